//! Problems as text for people.

use annotate_snippets::{AnnotationKind, Group, Level, Patch, Renderer, Snippet};

use crate::problem::{Label, Problem, Severity};
use crate::source::{Source, Sources, Span};

/// Whether to colour the text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Colour {
    /// Escape codes for a terminal.
    Always,
    /// Plain text.
    Never,
}

/// Renders one problem with its source lines, help and edit.
pub fn render(problem: &Problem, sources: &Sources, colour: Colour) -> String {
    let level = match problem.severity {
        Severity::Error => Level::ERROR,
        Severity::Warning => Level::WARNING,
    };
    let title = level.primary_title(&problem.message).id(problem.code.0);
    let mut first = title.elements(snippets(problem, sources));
    let edit = problem
        .fix
        .as_ref()
        .and_then(|fix| Some((sources.get(fix.span.source)?, fix)));
    let help = problem.help.as_deref().unwrap_or_default();
    let mut report = Vec::new();
    match edit {
        Some((source, fix)) => {
            let patch = Patch::new(within(source, fix.span), &fix.text);
            report.push(first);
            report.push(
                Group::with_title(Level::HELP.secondary_title(help)).element(
                    Snippet::source(&source.text)
                        .path(&source.path)
                        .patch(patch),
                ),
            );
        }
        None => {
            if problem.help.is_some() {
                first = first.element(Level::HELP.message(help));
            }
            report.push(first);
        }
    }
    let renderer = match colour {
        Colour::Always => Renderer::styled(),
        Colour::Never => Renderer::plain(),
    };
    renderer.render(&report)
}

/// One snippet per text, the main place first.
fn snippets<'a>(
    problem: &'a Problem,
    sources: &'a Sources,
) -> Vec<Snippet<'a, annotate_snippets::Annotation<'a>>> {
    let mut order = vec![problem.at.span.source];
    for label in &problem.more {
        if !order.contains(&label.span.source) {
            order.push(label.span.source);
        }
    }
    let texts = order.into_iter().filter_map(|id| sources.get(id));
    texts.map(|source| snippet(problem, source)).collect()
}

fn snippet<'a>(
    problem: &'a Problem,
    source: &'a Source,
) -> Snippet<'a, annotate_snippets::Annotation<'a>> {
    let here = |label: &&Label| label.span.source == source.id;
    let main = Some(&problem.at)
        .filter(here)
        .into_iter()
        .map(|label| (AnnotationKind::Primary, label));
    let more = problem
        .more
        .iter()
        .filter(here)
        .map(|label| (AnnotationKind::Context, label));
    let mut snippet = Snippet::source(&source.text).path(&source.path);
    for (kind, label) in main.chain(more) {
        let mut annotation = kind.span(within(source, label.span));
        if !label.text.is_empty() {
            annotation = annotation.label(&label.text);
        }
        snippet = snippet.annotation(annotation);
    }
    snippet
}

/// The byte range of a span, kept inside the text and on character borders.
fn within(source: &Source, span: Span) -> std::ops::Range<usize> {
    let floor = |mut at: usize| {
        at = at.min(source.text.len());
        while !source.text.is_char_boundary(at) {
            at -= 1;
        }
        at
    };
    let range = span.range();
    floor(range.start)..floor(range.end).max(floor(range.start))
}
