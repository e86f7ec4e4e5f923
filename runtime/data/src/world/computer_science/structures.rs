//! Data structures in prose: stacks, queues, hash tables, records and dictionaries.

use super::{head, numbers};
use crate::world::labels::Labels;
use crate::world::page::Page;
use crate::world::prose::list;
use crate::world::scene::Thing;

const STACKS: &[&str] = &[
    "A stack is a last-in, first-out structure: pop [returns|removes] the element pushed last. ",
    "[Recursion|The evaluation of calls] relies on a stack, [whose top alone is accessible|which gives back the newest entry first]. ",
];

const QUEUES: &[&str] = &[
    "A queue is a first-in, first-out structure: dequeue [returns|removes] the element that has waited longest. ",
    "[Schedulers|Breadth-first traversals] use a queue, [which serves entries in the order of arrival|so that no entry overtakes another]. ",
];

const HASHING: &[&str] = &[
    "A hash table [computes|derives] the slot of an entry from the entry itself. [Collisions are resolved by linear probing.|If a slot is taken, the next free one is used.] ",
    "[With open addressing|In this variant], every entry lives in the table; [a taken slot sends the entry onward|probing goes on to the next slot, cyclically]. ",
];

const CONSTANT: &[&str] = &[
    "[Each operation takes|Both operations take] constant time[ in a linked list|]. ",
    "[The number of entries|The length] [need not be|is not] known in advance. ",
    "[Removing from an empty structure is an error|An empty structure has nothing to remove][, which the caller must rule out|]. ",
];

const LINEAR: &[&str] = &[
    "[A filter|One pass] [reads|visits] every record once[, in order|]. ",
    "Records of equal rank [keep|retain] their order[, as they should|]. ",
    "[The original table|Its input] [is left unchanged|is not modified]. ",
];

/// What a stack gives back.
pub(super) fn stack(page: &mut Page) {
    head(page, "Stacks");
    page.one_of(STACKS);
    page.tell("[Starting from an empty stack|A trace]: ");
    trace(page, ["push", "pop"], |held| held.pop().unwrap_or_default());
    page.one_of(CONSTANT);
}

/// What a queue gives back.
pub(super) fn queue(page: &mut Page) {
    head(page, "Queues");
    page.one_of(QUEUES);
    page.tell("[Starting from an empty queue|A trace]: ");
    trace(page, ["enqueue", "dequeue"], |held| held.remove(0));
    page.one_of(CONSTANT);
}

/// Names of the scene's things, or numbers, as what a structure holds.
fn entries(page: &mut Page) -> Vec<String> {
    if page.dice.chance(1, 4) {
        page.label(Labels::CONCEPT);
        let name = |thing: &Thing| thing.kind.one.to_owned();
        return page.scene.things.iter().map(name).collect();
    }
    let numbers = numbers(page, 4, 60);
    numbers.iter().map(i64::to_string).collect()
}

/// The operations of a trace: what is put in, and what `take` gets out of `held`.
fn trace(page: &mut Page, words: [&str; 2], take: impl Fn(&mut Vec<String>) -> String) {
    let mut held: Vec<String> = Vec::new();
    for entry in entries(page) {
        page.write(format_args!("{} {entry}; ", words[0]));
        held.push(entry);
        if page.dice.chance(1, 3) {
            let taken = take(&mut held);
            page.write(format_args!("{} gives {taken}; ", words[1]));
        }
    }
    match held.as_slice() {
        [] => page.put("finally it is empty. "),
        held => page.write(format_args!("finally it holds {}. ", list(held))),
    }
}

/// Where the entries of a hash table come to lie.
pub(super) fn hash_table(page: &mut Page) {
    head(page, "Hashing");
    page.label(Labels::MATH);
    page.one_of(HASHING);
    let slots = *page.dice.pick(&[5_i64, 7, 11, 13]);
    let mut table = vec![None; slots as usize];
    page.write(format_args!("Let there be {slots} slots. "));
    for entry in numbers(page, 4, 99) {
        let home = entry % slots;
        page.write(format_args!("Entry {entry}: {entry} % {slots} = {home}, "));
        let free = (0..slots)
            .map(|step| (home + step) % slots)
            .find(|&slot| table[slot as usize].is_none());
        let slot = free.unwrap_or(home);
        table[slot as usize] = Some(entry);
        if slot == home {
            page.write(format_args!("stored in slot {slot}. "));
        } else {
            page.write(format_args!("taken, stored in slot {slot}. "));
        }
    }
}

/// Selecting and sorting records that describe a scene.
pub(super) fn records(page: &mut Page) {
    head(page, "Records");
    page.label(Labels::CONCEPT | Labels::RELATION);
    let mut things = page.scene.things.clone();
    page.tell("[A record|Each entry of the table] holds a name and a position {at}. ");
    for Thing { kind, x, y, .. } in &things {
        page.write(format_args!("({}, {x}, {y}) ", kind.one));
    }
    let names = |things: &[Thing]| list(&things.iter().map(|t| t.kind.one).collect::<Vec<_>>());
    if page.dice.chance(1, 2) {
        things.sort_by_key(|thing| thing.x);
        let order = names(&things);
        page.tell("\nA stable sort by the [second field|first coordinate], from left to right, ");
        page.write(format_args!("yields {order}. "));
    } else {
        let limit = page.dice.between(1, 4);
        things.retain(|thing| thing.y >= limit);
        page.write(format_args!(
            "\nA filter keeps what lies in row {limit} or higher: "
        ));
        let kept = if things.is_empty() {
            "nothing".to_owned()
        } else {
            names(&things)
        };
        page.write(format_args!("{kept}. "));
    }
    page.one_of(LINEAR);
}

/// A dictionary from names to colours: what it gives, and how often a colour stands in it.
pub(super) fn dictionary(page: &mut Page) {
    head(page, "Dictionaries");
    page.label(Labels::CONCEPT | Labels::ATTRIBUTE);
    let things = page.scene.things.clone();
    page.tell(
        "[A dictionary|An associative array] maps [each name|every entry] to [a colour|one value]: ",
    );
    let entries: Vec<_> = things
        .iter()
        .map(|thing| format!("{} to {}", thing.kind.one, thing.colour))
        .collect();
    let Thing { kind, colour, .. } = *page.dice.pick(&things);
    let number = page.scene.count(|thing| thing.colour == colour);
    page.write(format_args!(
        "{}. Looking up {} gives {colour}. Counting the entries with {colour} gives {number}. ",
        list(&entries),
        kind.one
    ));
    page.one_of(LINEAR);
}
