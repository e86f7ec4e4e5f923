//! A disk in memory that forgets: what was not synced may be there after a power cut, or not.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::rc::Rc;

use crate::common::Dice;
use crate::trace::Step;

/// What lies below a folder after a power cut: folders, and files with their content.
pub(crate) type Left = BTreeMap<PathBuf, Option<Rc<[u8]>>>;

/// A name of a folder, and what it stands for now; none where it was removed.
type Change = (OsString, Option<usize>);

#[derive(Debug)]
enum Node {
    Folder {
        durable: BTreeMap<OsString, usize>,
        /// In order, since the folder was last synced.
        pending: Vec<Change>,
    },
    File {
        durable: Rc<[u8]>,
        now: Vec<u8>,
    },
}

/// The folder a program works in, and what of it has reached the disk for sure.
#[derive(Debug)]
pub(crate) struct Disk {
    root: PathBuf,
    nodes: Vec<Node>,
}

/// How much of what was not synced is there after a cut.
#[derive(Debug, Clone, Copy)]
enum Luck {
    Nothing,
    Everything,
    Chance,
}

impl Disk {
    /// A disk with one folder, which is empty.
    pub(crate) fn new(root: &Path) -> Self {
        Self {
            root: root.to_owned(),
            nodes: vec![Node::folder()],
        }
    }

    /// Follows one step of the program.
    pub(crate) fn follow(&mut self, step: &Step) {
        match step {
            Step::MakeFolder(path) => self.add(path, Node::folder()),
            Step::Create(path) if self.find(path).is_some() => {}
            Step::Empty(path) if self.find(path).is_some() => self.content(path).clear(),
            Step::Create(path) | Step::Empty(path) => self.add(path, Node::file()),
            Step::Write(path, bytes) => self.content(path).extend(bytes),
            Step::Sync(path) => self.sync(path),
            Step::Rename(from, to) => {
                let node = self.find(from).unwrap_or_else(|| absent(from));
                self.set(from, None);
                self.set(to, Some(node));
            }
            Step::Link(from, to) => self.set(to, self.find(from)),
            Step::Remove(path) => self.set(path, None),
            Step::Said(_) => {}
        }
    }

    /// The content of a file as the program sees it.
    pub(crate) fn read(&self, path: &Path) -> Option<&[u8]> {
        match &self.nodes[self.find(path)?] {
            Node::File { now, .. } => Some(now),
            Node::Folder { .. } => None,
        }
    }

    /// Cuts the power: everything synced is there, of the rest what chance leaves.
    pub(crate) fn cut(&self, dice: &mut Dice) -> Left {
        let luck = match dice.roll(8) {
            0 => Luck::Nothing,
            1 => Luck::Everything,
            _ => Luck::Chance,
        };
        let mut left = Left::new();
        self.leave(0, Path::new(""), luck, dice, &mut left);
        left
    }

    fn leave(&self, node: usize, at: &Path, luck: Luck, dice: &mut Dice, left: &mut Left) {
        match &self.nodes[node] {
            Node::File { durable, now } => {
                left.insert(at.to_owned(), Some(content(durable, now, luck, dice)));
            }
            Node::Folder { durable, pending } => {
                if node > 0 {
                    left.insert(at.to_owned(), None);
                }
                for (name, child) in names(durable, pending, luck, dice) {
                    self.leave(child, &at.join(name), luck, dice, left);
                }
            }
        }
    }

    fn find(&self, path: &Path) -> Option<usize> {
        let below = path.strip_prefix(&self.root).expect("a path inside");
        below
            .iter()
            .try_fold(0, |node, name| match &self.nodes[node] {
                Node::File { .. } => None,
                Node::Folder { durable, pending } => {
                    let last = pending.iter().rev().find(|change| change.0 == name);
                    last.map_or(durable.get(name).copied(), |change| change.1)
                }
            })
    }

    fn content(&mut self, path: &Path) -> &mut Vec<u8> {
        let node = self.find(path).unwrap_or_else(|| absent(path));
        match &mut self.nodes[node] {
            Node::File { now, .. } => now,
            Node::Folder { .. } => panic!("{} is a folder", path.display()),
        }
    }

    fn add(&mut self, path: &Path, node: Node) {
        self.nodes.push(node);
        self.set(path, Some(self.nodes.len() - 1));
    }

    fn set(&mut self, path: &Path, node: Option<usize>) {
        let (folder, name) = (path.parent().unwrap(), path.file_name().unwrap());
        let folder = self.find(folder).unwrap_or_else(|| absent(path));
        match &mut self.nodes[folder] {
            Node::Folder { pending, .. } => pending.push((name.to_owned(), node)),
            Node::File { .. } => panic!("{} is below a file", path.display()),
        }
    }

    fn sync(&mut self, path: &Path) {
        let node = self.find(path).unwrap_or_else(|| absent(path));
        match &mut self.nodes[node] {
            Node::File { durable, now } => *durable = now.as_slice().into(),
            Node::Folder { durable, pending } => {
                for change in pending.drain(..) {
                    apply(durable, change);
                }
            }
        }
    }
}

impl Node {
    fn folder() -> Self {
        Self::Folder {
            durable: BTreeMap::new(),
            pending: Vec::new(),
        }
    }

    fn file() -> Self {
        Self::File {
            durable: Rc::new([]),
            now: Vec::new(),
        }
    }
}

fn absent(path: &Path) -> ! {
    panic!("{} is not there", path.display())
}

fn apply(names: &mut BTreeMap<OsString, usize>, (name, node): Change) {
    match node {
        Some(node) => _ = names.insert(name, node),
        None => _ = names.remove(&name),
    }
}

/// Of each name, the first few of its pending changes; the names know nothing of each other.
fn names(
    durable: &BTreeMap<OsString, usize>,
    pending: &[Change],
    luck: Luck,
    dice: &mut Dice,
) -> BTreeMap<OsString, usize> {
    let mut left = durable.clone();
    let mut of_name: BTreeMap<&OsString, Vec<&Change>> = BTreeMap::new();
    for change in pending {
        of_name.entry(&change.0).or_default().push(change);
    }
    for changes in of_name.into_values() {
        let kept = match luck {
            Luck::Nothing => 0,
            Luck::Everything => changes.len(),
            Luck::Chance => dice.roll(changes.len() as u64 + 1) as usize,
        };
        changes[..kept]
            .iter()
            .for_each(|change| apply(&mut left, (*change).clone()));
    }
    left
}

/// Of a file that was not synced: what was there before, a part, zeros, or all.
fn content(durable: &Rc<[u8]>, now: &[u8], luck: Luck, dice: &mut Dice) -> Rc<[u8]> {
    if **durable == *now {
        return Rc::clone(durable);
    }
    let choice = match luck {
        Luck::Nothing => 0,
        Luck::Everything => 3,
        Luck::Chance => dice.roll(4),
    };
    match choice {
        0 => Rc::clone(durable),
        1 => now[..dice.roll(now.len() as u64 + 1) as usize].into(),
        2 => vec![0; now.len()].into(),
        _ => now.into(),
    }
}

/// Writes what is left below a folder that is empty.
pub(crate) fn write(left: &Left, folder: &Path) {
    for (path, content) in left {
        match content {
            None => fs::create_dir(folder.join(path)).unwrap(),
            Some(bytes) => fs::write(folder.join(path), bytes).unwrap(),
        }
    }
}
