//! Published benchmarks: found where their files lie, and planned until then.

use vpc_grammar::Span;

use super::{Call, Evaluator};
use crate::library::FileFault;
use crate::modules::file_problem;
use crate::plan::{ItemsSpec, Operation, PublishedFile};
use crate::published::{PUBLISHED, Published, Release};
use crate::value::Value;

/// The files of a release, as far as they are there.
struct Look {
    found: Vec<PublishedFile>,
    /// Paths of those that are not.
    missing: Vec<String>,
}

impl Evaluator<'_> {
    /// `published(…)`: the first release of which all files are there.
    pub(super) fn published(&self, call: &Call<'_>) -> Option<Value> {
        let name = call.word("name")?;
        let set = PUBLISHED.iter().find(|set| set.name == name)?;
        let span = call.expr("name").map_or(call.span, |expr| expr.span);
        let mut nearest: Option<(&Release, Look)> = None;
        for release in set.releases {
            let look = self.look(set, release, span)?;
            if look.missing.is_empty() {
                return Some(Value::Items(ItemsSpec::Published {
                    name: set.name.to_owned(),
                    files: look.found,
                }));
            }
            // A release of which something is there is the one that is wanted.
            if nearest
                .as_ref()
                .is_none_or(|(_, first)| first.found.is_empty() && !look.found.is_empty())
            {
                nearest = Some((release, look));
            }
        }
        let (release, look) = nearest?;
        Some(Value::Items(ItemsSpec::Planned {
            what: set.what.to_owned(),
            advice: Operation::new(Some(advice(release, &look))),
        }))
    }

    fn look(&self, set: &Published, release: &Release, span: Span) -> Option<Look> {
        // The main file is loaded last: what it uses comes before it.
        let folder = &self.modules.last()?.folder;
        let mut look = Look {
            found: Vec::new(),
            missing: Vec::new(),
        };
        for file in release.files {
            let (path, facts) = self
                .library
                .benchmark(folder, &format!("{}/{file}", set.folder));
            match facts {
                Ok(facts) if facts.bytes > 0 => look.found.push(PublishedFile {
                    path: Operation::new(path),
                    digest: facts.digest,
                }),
                Ok(_) | Err(FileFault::Missing) => look.missing.push(path),
                Err(fault) => {
                    self.report(file_problem(&path, span, &fault));
                    return None;
                }
            }
        }
        Some(look)
    }
}

/// What to put where.
fn advice(release: &Release, look: &Look) -> String {
    let paths: Vec<&str> = look
        .missing
        .iter()
        .map(|path| path.trim_end_matches('/'))
        .collect();
    let (it, paths) = match paths.as_slice() {
        [only] => ("it", format!("`{only}`")),
        all => ("them", format!("`{}`", all.join("` and `"))),
    };
    format!(
        "there is no {paths}; get {it} from {}, and put {it} there",
        release.from
    )
}
