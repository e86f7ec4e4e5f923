//! What can go wrong between a layout of items and the items.

use std::fmt;

use crate::world::Split;

/// Where in a file an item stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Place {
    /// The file is about one item.
    Whole,
    /// At a line, from 1.
    Line(u64),
    /// In a list.
    Entry {
        /// Its number in the list, from 1.
        entry: u64,
        /// The line on which it begins, from 1.
        line: u64,
    },
    /// In a row of a file that has no lines, from 1; 0 is the file's own description of itself.
    Row(u64),
    /// In an archive, under this name.
    Member(String),
}

impl fmt::Display for Place {
    /// With a space in front, for the end of a file's name.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Whole => Ok(()),
            Self::Line(line) => write!(f, " line {line}"),
            Self::Entry { entry, line } => write!(f, " entry {entry} (line {line})"),
            Self::Row(0) => write!(f, " (its description)"),
            Self::Row(row) => write!(f, " row {row}"),
            Self::Member(name) => write!(f, " member `{name}`"),
        }
    }
}

/// A problem with items, worded for the person whose data it is.
#[derive(Debug, thiserror::Error)]
pub enum ItemError {
    /// What is there makes no item.
    #[error("`{file}`{place}: {reason}")]
    Record {
        /// The file as the source names it.
        file: String,
        /// Where in it.
        place: Place,
        /// What is wrong, and what to write instead.
        reason: String,
    },
    /// A picture that is missing or cannot be decoded within the limits.
    #[error("`{file}`{place}: the picture `{picture}` cannot be used: {reason}")]
    Picture {
        /// The file as the source names it.
        file: String,
        /// Where in it.
        place: Place,
        /// The picture as the file names it.
        picture: String,
        /// What is wrong.
        reason: String,
    },
    /// A picture's path that leads out of the pictures' folder.
    #[error(
        "`{file}`{place}: the picture `{picture}` is not below `{folder}`; write a path that stays below it"
    )]
    Outside {
        /// The file as the source names it.
        file: String,
        /// Where in it.
        place: Place,
        /// The picture as the file names it.
        picture: String,
        /// The folder that it must lie below.
        folder: String,
    },
    /// A file's name that tells of no layout.
    #[error(
        "the name of `{file}` tells of no layout of items; it must end in `.json`, `.jsonl`, `.tsv` or `.tar`"
    )]
    Layout {
        /// The file as the source names it.
        file: String,
    },
    /// Scenes without a kind, or with one twice.
    #[error("scenes are of {found}; name each kind of item once, such as `colour`")]
    Kinds {
        /// What is named instead.
        found: String,
    },
    /// A source without any item.
    #[error("{origin} has no items; {why}")]
    NoItems {
        /// The source: a file in backticks, or a few words.
        origin: String,
        /// Why there are none.
        why: String,
    },
    /// A side without any item.
    #[error(
        "none of the {items} items of {origin} is on the side `{split}`; choose another share to hold out"
    )]
    EmptySide {
        /// The source: a file in backticks, or a few words.
        origin: String,
        /// Its items.
        items: u64,
        /// The side that is empty.
        split: Split,
    },
    /// A share outside 0 to 1.
    #[error("a share of {numerator}/{denominator} of the items; choose a share from 0 to 1")]
    Share {
        /// The share's numerator.
        numerator: u64,
        /// The share's denominator.
        denominator: u64,
    },
    /// A sample of more items than there are.
    #[error("a sample of {wanted} items, and there are {there}; ask for {there} or fewer")]
    Sample {
        /// Items asked for.
        wanted: u64,
        /// Items there are.
        there: u64,
    },
    /// A choice that leaves no item.
    #[error(
        "none of the {items} items is chosen; compare the labels in them with those that the study asks for"
    )]
    NoneChosen {
        /// Items to choose from.
        items: u64,
    },
}
