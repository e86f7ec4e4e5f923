//! Why a selection fits nothing, and what may have been meant.

use std::fmt;

use super::Selection;
use crate::nearest::{advice, choices};
use crate::plan::Name;

/// A selection that fits no job of a plan.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NothingFits {
    /// What is not there.
    pub message: String,
    /// What may have been meant.
    pub help: String,
}

impl fmt::Display for NothingFits {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for NothingFits {}

/// Finds the first part of a selection that nothing fits.
pub(super) fn nothing_fits(selection: &Selection, names: &[Name<'_>]) -> NothingFits {
    let answer = |message: String, help: String| NothingFits { message, help };
    if names.is_empty() {
        return answer(
            format!("`{selection}` selects nothing: the study has no jobs"),
            "declare an experiment with a job, such as `pretrain`".to_owned(),
        );
    }
    let group = selection.group.text();
    let of_group: Vec<_> = names
        .iter()
        .filter(|name| selection.group.fits(name.group))
        .collect();
    if of_group.is_empty() {
        let message = format!("there is no experiment `{group}` in this study");
        // A job alone is an easy thing to write.
        let job = names.iter().find(|name| name.job == group);
        let help = match job {
            Some(name) => format!("did you mean `{}/{group}`?", name.group),
            None => {
                let (shared, runs): (Vec<&Name<'_>>, _) =
                    names.iter().partition(|name| name.shared);
                let groups = distinct(runs.into_iter().chain(shared), |name: &Name<'_>| name.group);
                advice(group, "there are", groups)
            }
        };
        return answer(message, help);
    }
    let Some(job) = &selection.job else {
        // The group alone fits everything in it, so this is not reached.
        return answer(format!("`{selection}` selects nothing"), String::new());
    };
    let of_job: Vec<_> = of_group
        .iter()
        .copied()
        .filter(|name| job.fits(name.job))
        .collect();
    if of_job.is_empty() {
        let jobs = distinct(of_group.iter().copied(), |name| name.job);
        return answer(
            format!("`{group}` has no job `{}`", job.text()),
            advice(job.text(), "its jobs", jobs),
        );
    }
    of_point(selection, &format!("{group}/{}", job.text()), &of_job)
}

/// The job is there; its axes or their values are not.
fn of_point(selection: &Selection, job: &str, names: &[&Name<'_>]) -> NothingFits {
    let points = || names.iter().flat_map(|name| name.point);
    for (axis, value) in &selection.point {
        let values = distinct(points().filter(|own| *own.0 == **axis), |own| {
            own.1.as_ref()
        });
        if values.is_empty() {
            let axes = distinct(points(), |own| own.0.as_ref());
            let help = match axes.as_slice() {
                [] => "it is there once; leave the brackets out".to_owned(),
                axes => advice(axis, "its axes", axes.iter().copied()),
            };
            let message = format!("`{job}` does not depend on an axis `{axis}`");
            return NothingFits { message, help };
        }
        if !values.iter().any(|own| value.fits(&super::bare(own))) {
            let (value, what) = (value.text(), format!("values of `{axis}`"));
            // Every number is near to some other number, and meant by none.
            let help = if value.starts_with(char::is_alphabetic) {
                advice(value, &what, values)
            } else {
                choices(&what, &values)
            };
            let message = format!("`{job}` has no run with `{axis}={value}`");
            return NothingFits { message, help };
        }
    }
    let labels = names.iter().map(|name| name.label);
    NothingFits {
        message: format!("`{selection}` selects nothing: no run has all these values"),
        help: advice(&selection.text, "its runs", labels),
    }
}

/// The different texts of some things, in order.
fn distinct<'a, T>(things: impl Iterator<Item = T>, text: impl Fn(T) -> &'a str) -> Vec<&'a str> {
    let mut seen = std::collections::BTreeSet::new();
    let texts = things.map(text);
    texts.filter(|text| seen.insert(*text)).collect()
}
