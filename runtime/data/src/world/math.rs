//! Math style: word problems, derivations and plain arithmetic, all of it right.
//!
//! Every `=` between numbers holds, so that a reader can check each line without knowing how it came about.

use crate::shares::gcd;
use crate::world::expression::Expression;
use crate::world::labels::Labels;
use crate::world::page::Page;
use crate::world::scene::Relation;

const JOINING: &[&str] = &[
    "{p} has {n} {colour a} {kinds a} and {q} [has|brings] {m}. How many {kinds a} do they have [together|in all]?",
    "There are {n} {kinds a} {at}. {p} [adds|puts down] {m} more. How many are there [now|then]?",
    "A {material b} box holds {n} {kinds a} and a {material c} one holds {m}. Find the total number of {kinds a}.",
];

const TAKING: &[&str] = &[
    "{p} had {n} {size a} {kinds a} and gave {m} of them to {q}. How many are left?",
    "Of {n} {kinds a} {at}, {m} are {colour a}. How many are not {colour a}?",
    "{n} {kinds b} stood in a row; {m} [fell down|broke|were sold]. How many remain?",
];

const GROUPING: &[&str] = &[
    "Each of {n} {kinds a} costs {m} coins. What do they cost together?",
    "{p} puts {m} {kinds b} on each of {n} shelves. How many {kinds b} is that?",
    "A wall has {n} rows of {m} {colour c} tiles. How many tiles does it have?",
];

const SHARING: &[&str] = &[
    "{p} shares {t} {kinds a} equally among {m} [children|boxes|friends]. How many does each get?",
    "{t} {kinds b} are packed in boxes of {m}. How many boxes are full?",
    "A rope of {t} metres is cut into {m} equal pieces. How long is each?",
];

const ANSWERS: &[&str] = &["Solution", "Answer", "We compute", "Proof by calculation"];

/// Writes one sheet.
pub(crate) fn write(page: &mut Page) {
    for number in 1..=page.dice.between(3, 6) {
        page.new_people();
        page.label(Labels::MATH);
        match page.dice.below(9) {
            0..3 => word_problem(page, number),
            3 => equation(page, number),
            4 => arithmetic(page, number),
            5 => fraction(page, number),
            6 => rectangle(page, number),
            7 => grid(page, number),
            _ => sequence(page, number),
        }
        page.end("\n\n");
        page.new_scene(4);
    }
}

fn head(page: &mut Page, number: i64, name: &str) {
    page.write(format_args!("{name} {number}. "));
}

fn answer(page: &mut Page) {
    let word = *page.dice.pick(ANSWERS);
    page.write(format_args!("\n{word}: "));
}

fn word_problem(page: &mut Page, number: i64) {
    head(page, number, "Problem");
    let (n, m) = (page.dice.between(2, 60), page.dice.between(2, 30));
    page.numbers = [n + m, m, 0, n * m];
    let (n, templates, sign, result) = match page.dice.below(4) {
        0 => (n, JOINING, '+', n + m),
        1 => (n + m, TAKING, '-', n),
        2 => (n, GROUPING, '*', n * m),
        _ => (n * m, SHARING, '/', n),
    };
    page.numbers[0] = n;
    page.one_of(templates);
    answer(page);
    page.write(format_args!("{n} {sign} {m} = {result}."));
}

fn equation(page: &mut Page, number: i64) {
    head(page, number, "Equation");
    let (a, x, b) = (
        page.dice.between(2, 12),
        page.dice.between(1, 30),
        page.dice.between(1, 50),
    );
    let (c, product) = (a * x + b, a * x);
    let name = *page.dice.pick(&["x", "y", "z", "t"]);
    page.write(format_args!(
        "Solve {a}{name} + {b} = {c}.\nSubtract {b} on both sides: {a}{name} = {c} - {b} = {product}.\n\
         Divide by {a}: {name} = {product} / {a} = {x}.\nCheck: {a} * {x} + {b} = {c}."
    ));
}

fn arithmetic(page: &mut Page, number: i64) {
    head(page, number, "Exercise");
    page.put("Compute.");
    for letter in ['a', 'b', 'c', 'd'] {
        let expression = Expression::numbers(&mut page.dice, 3);
        let value = expression.value(&[]);
        page.write(format_args!("\n({letter}) {expression} = {value}"));
    }
}

fn fraction(page: &mut Page, number: i64) {
    head(page, number, "Fraction");
    let (above, below) = (page.dice.between(1, 8), 9 - page.dice.between(0, 2));
    let common = gcd(above.unsigned_abs(), below.unsigned_abs()).cast_signed();
    let (above, below) = (above / common, below / common);
    let times = page.dice.between(2, 9);
    let (a, b) = (above * times, below * times);
    page.write(format_args!(
        "Reduce {a}/{b}. Both are multiples of {times}: {a} = {times} * {above} and {b} = {times} * {below}, \
         hence {a}/{b} = {above}/{below}."
    ));
}

fn rectangle(page: &mut Page, number: i64) {
    head(page, number, "Geometry");
    let (long, wide) = (page.dice.between(3, 40), page.dice.between(2, 30));
    let (area, around) = (long * wide, 2 * (long + wide));
    page.tell("The top of {an a} is a rectangle");
    page.write(format_args!(
        ", {long} long and {wide} wide. Its area is {long} * {wide} = {area} and its perimeter is \
         2 * ({long} + {wide}) = {around}."
    ));
}

fn grid(page: &mut Page, number: i64) {
    head(page, number, "Position");
    let [one, other] = [page.scene.things[0], page.scene.things[1]];
    page.tell("On a grid, {the a}");
    page.write(format_args!(" is at ({}, {}) and ", one.x, one.y));
    page.tell("{the b}");
    page.write(format_args!(" at ({}, {}). ", other.x, other.y));
    let (across, up) = (one.x - other.x, one.y - other.y);
    let steps = across.abs() + up.abs();
    page.write(format_args!(
        "The differences are {} - {} = {across} and {} - {} = {up}, so the {} is ",
        one.x, other.x, one.y, other.y, one.kind.one
    ));
    let phrase = *page.dice.pick(Relation::of(&one, &other).phrases());
    page.label(Labels::RELATION | Labels::CONCEPT);
    page.write(format_args!(
        "{phrase} the {}, and the way is {} + {} = {steps} steps.",
        other.kind.one,
        across.abs(),
        up.abs()
    ));
}

fn sequence(page: &mut Page, number: i64) {
    head(page, number, "Sequence");
    let (first, step) = (page.dice.between(1, 20), page.dice.between(2, 12));
    let [second, third, fourth] = [1, 2, 3].map(|times| first + times * step);
    let place = page.dice.between(5, 20);
    let value = first + (place - 1) * step;
    page.write(format_args!(
        "In {first}, {second}, {third}, {fourth}, ... each term is {step} more than the one before, since \
         {second} - {first} = {step}. Term {place} is {first} + ({place} - 1) * {step} = {value}."
    ));
}
