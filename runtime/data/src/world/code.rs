//! Code style: small Python programs about scenes and numbers, with the output that they really give.
//!
//! Each snippet is a function (or data) and a session in the form of Python's `doctest`.

use std::fmt::Write;

use crate::world::expression::Expression;
use crate::world::labels::Labels;
use crate::world::page::{Page, article_of};
use crate::world::scene::Thing;
use crate::world::words::{COLOURS, KINDS, SIZES};

const NAMES: &[&str] = &[
    "total", "score", "cost", "weight", "price", "level", "rank", "load", "step", "gain",
];
const PARAMETERS: &[[&str; 2]] = &[
    ["x", "y"],
    ["a", "b"],
    ["n", "k"],
    ["width", "height"],
    ["left", "right"],
    ["count", "size"],
];

/// Writes one file.
pub(crate) fn write(page: &mut Page) {
    for _ in 0..page.dice.between(2, 5) {
        page.label(Labels::CODE);
        match page.dice.below(9) {
            0 | 1 => formula(page),
            2 | 3 => scene_list(page),
            4 => range_sum(page),
            5 => common_divisor(page),
            6 => describe(page),
            7 => picture(page),
            _ => rectangle(page),
        }
        page.end("\n\n");
        page.new_scene(4);
    }
}

fn formula(page: &mut Page) {
    page.label(Labels::MATH);
    let (name, names) = (*page.dice.pick(NAMES), *page.dice.pick(PARAMETERS));
    let operations = page.dice.between(1, 4) as usize;
    let expression = Expression::over(&mut page.dice, operations, &names);
    let [one, other] = names;
    page.write(format_args!(
        "def {name}({one}, {other}):\n    return {expression}\n\n"
    ));
    for _ in 0..page.dice.between(1, 3) {
        let arguments = [page.dice.between(0, 30), page.dice.between(0, 30)];
        let ([one, other], value) = (arguments, expression.value(&arguments));
        page.write(format_args!(">>> {name}({one}, {other})\n{value}\n"));
    }
}

fn scene_list(page: &mut Page) {
    page.label(Labels::CONCEPT | Labels::ATTRIBUTE | Labels::RELATION);
    let things = page.scene.things.clone();
    let (at, place) = (page.scene.place.at, page.scene.place.name);
    page.write(format_args!(
        "# kind, colour, x, y of the things {at} the {place}\n>>> scene = [\n"
    ));
    for Thing {
        kind, colour, x, y, ..
    } in &things
    {
        page.write(format_args!(
            "...     (\"{}\", \"{colour}\", {x}, {y}),\n",
            kind.one
        ));
    }
    page.put("... ]\n");
    for _ in 0..page.dice.between(2, 4) {
        query(page, &things);
    }
}

/// One question about the list `scene`, and its answer.
fn query(page: &mut Page, things: &[Thing]) {
    let [first, ..] = things else { return };
    let (colour, limit) = (first.colour, page.dice.between(1, 4));
    let names = |keep: &dyn Fn(&&Thing) -> bool| {
        list(
            &things
                .iter()
                .filter(keep)
                .map(|thing| thing.kind.one)
                .collect::<Vec<_>>(),
        )
    };
    let (question, answer) = match page.dice.below(6) {
        0 => (
            format!("[k for k, c, x, y in scene if c == \"{colour}\"]"),
            names(&|thing| thing.colour == colour),
        ),
        1 => (
            format!("[k for k, c, x, y in scene if x < {limit}]"),
            names(&|thing| thing.x < limit),
        ),
        2 => (
            format!("[k for k, c, x, y in scene if y >= {limit}]"),
            names(&|thing| thing.y >= limit),
        ),
        3 => (
            "sorted(k for k, c, x, y in scene)".to_owned(),
            sorted(things),
        ),
        4 => {
            let sum: i64 = things.iter().map(|thing| thing.x * thing.y).sum();
            (
                "sum(x * y for k, c, x, y in scene)".to_owned(),
                sum.to_string(),
            )
        }
        _ => {
            let count = things.iter().filter(|thing| thing.colour != colour).count();
            (
                format!("len([k for k, c, x, y in scene if c != \"{colour}\"])"),
                count.to_string(),
            )
        }
    };
    page.write(format_args!(">>> {question}\n{answer}\n"));
}

fn list(words: &[&str]) -> String {
    if words.is_empty() {
        "[]".to_owned()
    } else {
        format!("['{}']", words.join("', '"))
    }
}

fn sorted(things: &[Thing]) -> String {
    let mut names: Vec<_> = things.iter().map(|thing| thing.kind.one).collect();
    names.sort_unstable();
    list(&names)
}

fn range_sum(page: &mut Page) {
    page.label(Labels::MATH);
    let name = *page.dice.pick(NAMES);
    let (every, rest, times) = (
        page.dice.between(2, 5),
        page.dice.between(0, 1),
        page.dice.between(1, 6),
    );
    page.write(format_args!(
        "def {name}(n):\n    result = 0\n    for i in range(n):\n        if i % {every} == {rest}:\n            \
         result += i * {times}\n    return result\n\n"
    ));
    for _ in 0..page.dice.between(1, 3) {
        let n = page.dice.between(1, 25);
        let value: i64 = (0..n)
            .filter(|i| i % every == rest)
            .map(|i| i * times)
            .sum();
        page.write(format_args!(">>> {name}({n})\n{value}\n"));
    }
}

fn common_divisor(page: &mut Page) {
    page.label(Labels::MATH);
    let [one, other] = *page.dice.pick(PARAMETERS);
    let name = *page.dice.pick(&["gcd", "common", "greatest_divisor"]);
    page.write(format_args!(
        "def {name}({one}, {other}):\n    while {other} != 0:\n        {one}, {other} = {other}, {one} % {other}\n    \
         return {one}\n\n"
    ));
    for _ in 0..page.dice.between(1, 4) {
        let times = page.dice.between(1, 12) as u64;
        let [a, b] = [0; 2].map(|_| page.dice.between(1, 15) as u64 * times);
        let value = crate::shares::gcd(a, b);
        page.write(format_args!(">>> {name}({a}, {b})\n{value}\n"));
    }
}

fn describe(page: &mut Page) {
    page.label(Labels::CONCEPT | Labels::ATTRIBUTE);
    let order = *page.dice.pick(&[[0, 1], [1, 0]]);
    let words = order.map(|place| ["size", "colour"][place]);
    page.write(format_args!(
        "def describe(size, colour, kind):\n    words = [{}, {}, kind]\n    text = \" \".join(words)\n    \
         article = \"an\" if text[0] in \"aeiou\" else \"a\"\n    return article + \" \" + text\n\n",
        words[0], words[1]
    ));
    for _ in 0..page.dice.between(1, 4) {
        let (size, colour) = (*page.dice.pick(SIZES), *page.dice.pick(COLOURS));
        let kind = page.dice.pick(KINDS).one;
        let [one, other] = order.map(|place| [size, colour][place]);
        let article = article_of(one);
        page.write(format_args!(
            ">>> describe(\"{size}\", \"{colour}\", \"{kind}\")\n'{article}{one} {other} {kind}'\n"
        ));
    }
}

fn picture(page: &mut Page) {
    page.label(Labels::CONCEPT | Labels::RELATION);
    let size = page.dice.between(3, 6);
    page.write(format_args!(
        "def draw(things, size={size}):\n    for y in range(size - 1, -1, -1):\n        \
         print(\"\".join(things.get((x, y), \"-\") for x in range(size)))\n\n>>> draw({{"
    ));
    let mut rows = vec![vec!["-".to_owned(); size as usize]; size as usize];
    let mut shown = String::new();
    for thing in &page.scene.things {
        let letter = &thing.kind.one[..1];
        let comma = if shown.is_empty() { "" } else { ", " };
        // Writing to a string cannot fail.
        let _ = write!(shown, "{comma}({}, {}): \"{letter}\"", thing.x, thing.y);
        let row = rows.get_mut(thing.y as usize);
        if let Some(cell) = row.and_then(|row| row.get_mut(thing.x as usize)) {
            letter.clone_into(cell);
        }
    }
    page.write(format_args!("{shown}}})\n"));
    for row in rows.iter().rev() {
        page.write(format_args!("{}\n", row.concat()));
    }
}

fn rectangle(page: &mut Page) {
    page.label(Labels::MATH | Labels::ATTRIBUTE);
    let name = page
        .scene
        .things
        .first()
        .map_or("Box", |thing| thing.kind.one);
    let (first, rest) = name.split_at(1);
    let class = first.to_ascii_uppercase() + rest;
    page.label(Labels::CONCEPT);
    page.write(format_args!(
        "class {class}:\n    def __init__(self, width, height):\n        self.width = width\n        \
         self.height = height\n\n    def area(self):\n        return self.width * self.height\n\n    \
         def wider(self, other):\n        return self.width > other.width\n\n"
    ));
    let [a, b, c, d] = [0; 4].map(|_| page.dice.between(1, 30));
    let wider = if a > c { "True" } else { "False" };
    page.write(format_args!(
        ">>> one, two = {class}({a}, {b}), {class}({c}, {d})\n>>> one.area()\n{}\n>>> two.area()\n{}\n\
         >>> one.wider(two)\n{wider}\n",
        a * b,
        c * d
    ));
}
