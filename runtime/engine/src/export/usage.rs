//! How an exported folder is loaded and asked, for its card.

use super::card::code;

/// What a folder is loaded as.
pub(super) enum Use<'t> {
    /// A language model.
    Text,
    /// A language model that sees.
    Pictures {
        /// How turns are written.
        template: &'t str,
    },
}

impl Use<'_> {
    /// The task, as the hub names it.
    pub(super) const fn pipeline(&self) -> &'static str {
        match self {
            Self::Text => "text-generation",
            Self::Pictures { .. } => "image-text-to-text",
        }
    }

    /// What it is, in a few words.
    pub(super) const fn what(&self) -> &'static str {
        match self {
            Self::Text => "A Llama-style decoder",
            Self::Pictures { .. } => "A Llama-style decoder with a projector and a vision encoder",
        }
    }

    /// What loads the folder in Python, and how prompts begin, where `end` is between documents.
    pub(super) fn text(&self, end: &str) -> String {
        let end = code(end);
        match self {
            Self::Text => format!(
                "```python\nfrom transformers import AutoModelForCausalLM, AutoTokenizer\n\n\
                 tokenizer = AutoTokenizer.from_pretrained(\".\")\n\
                 model = AutoModelForCausalLM.from_pretrained(\".\")\n```\n\n\
                 In training every document stands between two {end}. So begin prompts with it, and \
                 expect it at the end; the tokenizer does not add it."
            ),
            Self::Pictures { template } => format!(
                "```python\nfrom transformers import AutoProcessor, LlavaForConditionalGeneration\n\n\
                 processor = AutoProcessor.from_pretrained(\".\")\n\
                 model = LlavaForConditionalGeneration.from_pretrained(\".\")\n```\n\n\
                 A prompt begins with {end}, which the tokenizer does not add, then `<image>` where there \
                 is a picture, then the turn as it was written in training, up to its answer:\n\n\
                 ```text\n{}\n```\n\n\
                 White space before the answer belongs to the answer. Answers end with {end}.",
                fenced(template)
            ),
        }
    }
}

/// A text that does not end the block of code that it stands in.
fn fenced(text: &str) -> String {
    let plain = text.chars().map(|c| match c {
        '`' => '\'',
        c if c.is_control() && c != '\n' => ' ',
        c => c,
    });
    plain.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_template_stays_in_its_block() {
        let template = "a```\n# {question}\t{answer}";
        let text = Use::Pictures { template }.text("<end>");
        assert!(
            text.contains("```text\na'''\n# {question} {answer}\n```"),
            "{text}"
        );
        assert!(text.contains("A prompt begins with `<end>`"), "{text}");
    }
}
