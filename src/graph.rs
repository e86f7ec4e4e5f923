//! `vpc graph`: the graph of a study's jobs, for Graphviz or Mermaid.

use vpc_report::{Graph, mermaid_refuses, to_dot, to_mermaid};

use crate::command::{Drawing, Format, GraphOptions, StudyOptions};
use crate::exit::Status;
use crate::output::{say, tell};
use crate::study::{compiled, selected};

pub(crate) fn graph(options: &GraphOptions) -> Status {
    let study = StudyOptions {
        file: options.file.clone(),
        format: Format::Human,
    };
    let plan = match compiled(&study) {
        Ok(plan) => plan,
        Err(status) => return status,
    };
    let plan = match selected(&plan, &options.only.only) {
        Ok(plan) => plan,
        Err(status) => return status,
    };
    if plan.jobs.is_empty() {
        tell("warning: the graph is empty: the study has no experiment with jobs");
    }
    let graph = if options.jobs {
        Graph::of_jobs(&plan)
    } else {
        Graph::of_declarations(&plan)
    };
    let text = match options.format {
        Drawing::Dot => to_dot(&graph),
        Drawing::Mermaid => to_mermaid(&graph),
    };
    if options.format == Drawing::Mermaid
        && let Some(why) = mermaid_refuses(&graph, &text)
    {
        tell(format_args!(
            "warning: Mermaid's renderers refuse this graph as they come: it has {why}"
        ));
        let shorter = if options.jobs {
            "leave out `--jobs`"
        } else {
            "select a part with `--only`"
        };
        tell(format_args!("help: {shorter}, or write `--format dot`"));
    }
    say(text.trim_end());
    Status::Ok
}
