//! Comparing the shape of a model made elsewhere with that of the study, field by field.

use vpc_train::ModelConfig;

/// A field of `config.json` that is not as the study has it.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Differs {
    pub(super) field: &'static str,
    pub(super) found: String,
    pub(super) wanted: String,
}

/// The first field in which a model is not the study's.
///
/// A longer context is none: a model is used at the study's, and positions are not learned.
pub(super) fn differs(found: &ModelConfig, wanted: &ModelConfig) -> Option<Differs> {
    // Taken apart whole, so that a new field cannot be forgotten.
    let ModelConfig {
        layers,
        width,
        heads,
        kv_heads,
        hidden,
        context,
        vocabulary,
        rope_base,
        norm_eps,
        tied,
    } = wanted;
    let sizes = [
        ("hidden_size", found.width, *width),
        ("num_hidden_layers", found.layers, *layers),
        ("num_attention_heads", found.heads, *heads),
        ("num_key_value_heads", found.kv_heads, *kv_heads),
        ("intermediate_size", found.hidden, *hidden),
        ("vocab_size", found.vocabulary, *vocabulary),
        (
            "max_position_embeddings",
            found.context.min(*context),
            *context,
        ),
    ];
    let numbers = [
        ("rope_theta", found.rope_base, *rope_base),
        ("rms_norm_eps", found.norm_eps, *norm_eps),
    ];
    let sizes = sizes.map(|(field, found, wanted)| (field, found.to_string(), wanted.to_string()));
    let numbers =
        numbers.map(|(field, found, wanted)| (field, found.to_string(), wanted.to_string()));
    let tied = [(
        "tie_word_embeddings",
        found.tied.to_string(),
        tied.to_string(),
    )];
    let mut fields = sizes.into_iter().chain(numbers).chain(tied);
    let (field, found, wanted) = fields.find(|(_, found, wanted)| found != wanted)?;
    Some(Differs {
        field,
        found,
        wanted,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_field_is_compared() {
        let study = ModelConfig {
            layers: 2,
            width: 16,
            heads: 4,
            kv_heads: 2,
            hidden: 24,
            context: 32,
            vocabulary: 300,
            rope_base: 10_000.0,
            norm_eps: 1e-5,
            tied: false,
        };
        assert_eq!(differs(&study, &study), None);
        let longer = ModelConfig {
            context: 64,
            ..study.clone()
        };
        assert_eq!(differs(&longer, &study), None);
        for (field, change) in [
            (
                "num_hidden_layers",
                (|c| c.layers = 3) as fn(&mut ModelConfig),
            ),
            ("hidden_size", |c| c.width = 32),
            ("num_attention_heads", |c| c.heads = 2),
            ("num_key_value_heads", |c| c.kv_heads = 4),
            ("intermediate_size", |c| c.hidden = 25),
            ("max_position_embeddings", |c| c.context = 31),
            ("vocab_size", |c| c.vocabulary = 301),
            ("rope_theta", |c| c.rope_base = 500_000.0),
            ("rms_norm_eps", |c| c.norm_eps = 1e-6),
            ("tie_word_embeddings", |c| c.tied = true),
        ] {
            let mut other = study.clone();
            change(&mut other);
            let found = differs(&other, &study).expect("it differs");
            assert_eq!(found.field, field);
            assert_ne!(found.found, found.wanted);
        }
    }
}
