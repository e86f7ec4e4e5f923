//! Encyclopedia style: articles that define kinds, colours, materials and relations.

use crate::world::labels::Labels;
use crate::world::page::{Page, article_of};
use crate::world::prose::capital;
use crate::world::words::{COLOURS, MATERIALS, MIXTURES};

const DEFINITIONS: &[&str] = &[
    "A {kind a} is a {shape a} {class a} [used|that is used|commonly used] for {purpose a}. ",
    "In general usage, the term {kind a} [denotes|refers to] {an-class a} of {shape a} form, [intended for|associated with] {purpose a}. ",
    "The {kind a} (plural: {kinds a}) is {an-class a}, [typically|usually] {shape a}, [whose purpose is|which serves for] {purpose a}. ",
    "{^kinds a} are {shape a} objects [classified|grouped] among the {class a} family; they serve for {purpose a}. ",
];

const PARTS: &[&str] = &[
    "[Its most characteristic part|Its principal component] is the {part a}, [which is attached to|which forms part of] the body of the {kind a}. ",
    "Every {kind a} has {an-part a}; the {part a} [may differ in colour from|is often made of the same material as] the rest. ",
    "The {part a} of a {kind a} [distinguishes it from|should not be confused with the {part b} of] a {kind b}. ",
];

const VARIETIES: &[&str] = &[
    "{^kinds a} [are known|occur|are made] in several materials, [among them|including] {stuff a}, {stuff b} and {stuff c}. ",
    "{^material a} {kinds a} are [typically|frequently] {colour a}, whereas {material b} examples [tend to be|are more often] {colour b}. ",
    "[Specimens|Examples] range [in size ]between {size b} and {size c}; [those {at}|the best known] are {size a}. ",
    "A {material c} {kind a} feels {feel c}[ to the touch|]. ",
];

const PLACES: &[&str] = &[
    "{^kinds a} are [commonly found|customarily kept] {at}, [frequently|often] {rel ab} a {kind b}. ",
    "In the [standard|traditional] arrangement {at}, {the a} is placed {rel ab} {the b}, and {the c} {rel cb} {the b}. ",
    "[A well-known painting|An early illustration] shows {an a} {rel ac} {an c}, with {an b} {side b}. ",
];

const EXPERIMENTS: &[&str] = &[
    "[To determine whether|In order to test whether] {stuff a} is denser than water, a solid piece is immersed. It {floats a}; [hence|therefore|it follows that] ",
    "When a {material a} body is placed in water, it {floats a}. [From this observation it follows that|This shows that] ",
    "[Hypothesis|Assumption]: {stuff a} {floats a} in water. [Observation|Result]: the body {floats a}, [so|which confirms that] ",
];

const HEADINGS: &[&str] = &["Description", "Overview", "Properties", "Use and placement"];

/// Writes one article.
pub(crate) fn write(page: &mut Page) {
    match page.dice.below(10) {
        0..6 => kind(page),
        6 | 7 => material(page),
        8 => colour(page),
        _ => relation(page),
    }
    see_also(page);
}

fn title(page: &mut Page, name: &str) {
    let (first, rest) = name.split_at(1);
    page.label(Labels::CONCEPT);
    page.write(format_args!("== {}{rest} ==", first.to_ascii_uppercase()));
    page.end("\n\n");
}

fn section(page: &mut Page, name: &str) {
    page.write(format_args!("=== {name} ===\n"));
}

fn kind(page: &mut Page) {
    title(page, page.scene.things[0].kind.one);
    page.one_of(DEFINITIONS);
    page.one_of(PARTS);
    page.end("\n\n");
    for _ in 0..page.dice.between(1, 3) {
        let heading = *page.dice.pick(HEADINGS);
        section(page, heading);
        page.one_of(VARIETIES);
        page.one_of(PLACES);
        if page.dice.chance(1, 3) {
            page.one_of(PARTS);
        }
        page.end("\n\n");
    }
    if page.dice.chance(1, 2) {
        experiment(page);
    }
}

fn material(page: &mut Page) {
    let material = page.scene.things[0].material;
    title(page, material.name);
    page.tell("{^stuff a} is a [material|substance] that feels {feel a}[ to the touch|]. ");
    page.write(format_args!(
        "Its density is about {} grams per litre. ",
        material.density
    ));
    page.tell("[Objects|Things] made of it are called {material a}; [a common example is|examples include] the {kind a}[ and the {kind b}|]. ");
    page.label(Labels::ATTRIBUTE | Labels::SCIENCE);
    page.end("\n\n");
    section(page, "Behaviour in water");
    experiment(page);
    let other = *page
        .dice
        .pick(&["a comparison", "comparison", "a table of densities"]);
    page.write(format_args!("In {other}, "));
    comparison(page);
}

fn experiment(page: &mut Page) {
    page.label(Labels::SCIENCE);
    page.one_of(EXPERIMENTS);
    let floats = page.scene.things[0].material.floats();
    page.tell("{stuff a}");
    page.put(if floats {
        " is less dense than water."
    } else {
        " is denser than water."
    });
    page.end("\n\n");
}

fn comparison(page: &mut Page) {
    let (one, other) = (page.dice.pick(MATERIALS), page.dice.pick(MATERIALS));
    page.label(Labels::SCIENCE | Labels::MATH | Labels::ATTRIBUTE);
    let gap = (one.density - other.density).abs();
    let word = if one.density >= other.density {
        "more"
    } else {
        "less"
    };
    page.write(format_args!(
        "a litre of {} has a mass of {} grams and a litre of {} {} grams: the former has {gap} grams {word}.",
        one.name, one.density, other.name, other.density
    ));
    page.end("\n\n");
}

fn colour(page: &mut Page) {
    let colour = *page.dice.pick(COLOURS);
    title(page, colour);
    page.label(Labels::ATTRIBUTE);
    let article = article_of(colour);
    page.write(format_args!(
        "{} is a colour. An object of this colour is called {article}{colour} object. ",
        capital(colour)
    ));
    for (one, other, mixed) in MIXTURES {
        if [*one, *other, *mixed].contains(&colour) {
            page.write(format_args!(
                "Mixing {one} and {other} paint gives {mixed}. "
            ));
        }
    }
    page.end("\n\n");
    section(page, "Occurrence");
    page.one_of(VARIETIES);
    page.one_of(PLACES);
    page.end("\n\n");
}

fn relation(page: &mut Page) {
    let (name, inverse) = *page.dice.pick(&[
        ("left of", "right of"),
        ("right of", "left of"),
        ("above", "below"),
        ("below", "above"),
    ]);
    title(page, name);
    page.label(Labels::RELATION);
    page.write(format_args!(
        "The expression \"{name}\" describes the position of one object with respect to another. It is the inverse \
         of \"{inverse}\": if one object is {name} another, then the other is {inverse} the first. "
    ));
    page.tell(
        "For example, if {an a} is {rel ab} {an b}, then the {kind b} is {rel ba} the {kind a}. ",
    );
    page.end("\n\n");
    section(page, "Illustration");
    page.one_of(PLACES);
    page.end("\n\n");
}

fn see_also(page: &mut Page) {
    section(page, "See also");
    page.tell("{^kind b}; {kind c}; {kind d}[; {stuff b}|; {stuff c}|]. [Category: {class a}.|Category: things {at}.|]");
    page.end("\n");
}
