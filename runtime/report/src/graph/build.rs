//! From a plan to its graph.

use std::collections::{BTreeMap, BTreeSet};

use vpc_compiler::plan::{Job, Key, Name, Plan};

use super::{Graph, Group, Node};

/// The places of things, by what they are called.
type Places<'p> = BTreeMap<(bool, &'p str, &'p str), usize>;

/// All jobs of one name, at whatever point.
struct Declared<'p> {
    shared: bool,
    group: &'p str,
    text: String,
    kind: &'static str,
    jobs: Vec<&'p Job>,
}

impl Graph {
    /// One node for each declaration, with the number of its runs.
    pub fn of_declarations(plan: &Plan) -> Self {
        let jobs = by_key(plan);
        let mut places: Places<'_> = BTreeMap::new();
        let mut declared: Vec<Declared<'_>> = Vec::new();
        for name in plan.names() {
            let Some(job) = jobs.get(&name.key) else {
                continue;
            };
            let place = places.entry((name.shared, name.group, name.job));
            let at = *place.or_insert(declared.len());
            if at == declared.len() {
                declared.push(Declared::new(&name, name.job.to_owned(), job));
            }
            declared[at].jobs.push(job);
        }
        for one in &mut declared {
            if one.jobs.len() > 1 {
                one.text += &format!(" ×{}", one.jobs.len());
            }
        }
        Self::new(plan, &declared)
    }

    /// One node for each job.
    pub fn of_jobs(plan: &Plan) -> Self {
        let names = plan.names();
        let by_label: BTreeMap<&str, &Name<'_>> =
            names.iter().map(|name| (name.label, name)).collect();
        // A part of a study has jobs whose first name is of an experiment that is left out.
        let mut by_key: BTreeMap<Key, &Name<'_>> = BTreeMap::new();
        for name in &names {
            by_key.entry(name.key).or_insert(name);
        }
        let declared = plan.jobs.iter().filter_map(|job| {
            let name = by_label.get(job.name()).or_else(|| by_key.get(&job.key))?;
            let text = name.label.split_once('/').map_or(name.label, |of| of.1);
            let mut one = Declared::new(name, text.to_owned(), job);
            one.jobs.push(job);
            Some(one)
        });
        Self::new(plan, &declared.collect::<Vec<_>>())
    }

    /// Puts nodes into groups, shared data first, and finds the edges.
    fn new(plan: &Plan, declared: &[Declared<'_>]) -> Self {
        let mut order: Vec<usize> = (0..declared.len()).collect();
        let mut places: BTreeMap<(bool, &str), usize> = BTreeMap::new();
        for one in declared {
            let next = places.len();
            places.entry((one.shared, one.group)).or_insert(next);
        }
        order.sort_by_key(|&at| {
            let one = &declared[at];
            (!one.shared, places[&(one.shared, one.group)])
        });
        let mut groups: Vec<(bool, Group)> = Vec::new();
        let mut ids = vec![0; declared.len()];
        for (id, &at) in order.iter().enumerate() {
            let one = &declared[at];
            ids[at] = id;
            let known = groups.last().is_some_and(|(shared, group)| {
                (*shared, group.name.as_str()) == (one.shared, one.group)
            });
            if !known {
                let name = one.group.to_owned();
                let nodes = Vec::new();
                groups.push((one.shared, Group { name, nodes }));
            }
            if let Some((_, group)) = groups.last_mut() {
                group.nodes.push(Node {
                    id,
                    text: one.text.clone(),
                    kind: one.kind,
                });
            }
        }
        let edges: BTreeSet<(usize, usize)> = edges(declared)
            .into_iter()
            .map(|(from, to)| (ids[from], ids[to]))
            .collect();
        Self {
            study: plan.study.clone(),
            groups: groups.into_iter().map(|group| group.1).collect(),
            edges: edges.into_iter().collect(),
        }
    }
}

impl<'p> Declared<'p> {
    fn new(name: &Name<'p>, text: String, job: &Job) -> Self {
        Self {
            shared: name.shared,
            group: name.group,
            text,
            kind: job.task.kind(),
            jobs: Vec::new(),
        }
    }
}

fn by_key(plan: &Plan) -> BTreeMap<Key, &Job> {
    plan.jobs.iter().map(|job| (job.key, job)).collect()
}

fn edges(declared: &[Declared<'_>]) -> BTreeSet<(usize, usize)> {
    let mut owners: BTreeMap<Key, Vec<usize>> = BTreeMap::new();
    for (at, one) in declared.iter().enumerate() {
        for job in &one.jobs {
            let known = owners.entry(job.key).or_default();
            if known.last() != Some(&at) {
                known.push(at);
            }
        }
    }
    let mut edges = BTreeSet::new();
    for (to, one) in declared.iter().enumerate() {
        let mut by_role: BTreeMap<&str, BTreeSet<Key>> = BTreeMap::new();
        for input in one.jobs.iter().flat_map(|job| &job.inputs) {
            by_role.entry(&input.role).or_default().insert(input.key);
        }
        for keys in by_role.values() {
            edges.extend(sources(one, keys, declared, &owners).map(|from| (from, to)));
        }
    }
    edges
}

/// The declarations that inputs of one role come from.
///
/// Equal jobs have several declarations. Where one of the user's own experiment makes all the
/// inputs, it is the one meant; else each input comes from the first that makes it, rather of
/// the same experiment.
fn sources<'s>(
    user: &'s Declared<'_>,
    keys: &'s BTreeSet<Key>,
    declared: &'s [Declared<'_>],
    owners: &'s BTreeMap<Key, Vec<usize>>,
) -> impl Iterator<Item = usize> + 's {
    let own = |at: &&usize| {
        let one = &declared[**at];
        !one.shared && one.group == user.group
    };
    let of = |key: &Key| owners.get(key).map(Vec::as_slice).unwrap_or_default();
    let first = keys.first().map(of).unwrap_or_default();
    let all = first
        .iter()
        .filter(own)
        .find(|at| keys.iter().all(|key| of(key).contains(at)))
        .copied();
    let each = keys.iter().filter(move |_| all.is_none());
    let each = each.filter_map(move |key| of(key).iter().find(own).or(of(key).first()).copied());
    all.into_iter().chain(each)
}
