//! Arts style: catalogues and reviews that describe pictures, sculptures and how they are made.

use crate::world::labels::Labels;
use crate::world::page::Page;
use crate::world::words::MIXTURES;

const TITLES: &[&str] = &[
    "Cat. {k}. {p}, Still Life with {^kind a} and {^kind b}",
    "Cat. {k}. {p}, The {^colour a} {^kind a}",
    "Cat. {k}. {p}, {^kinds a} {at}",
    "Cat. {k}. {p}, Composition with {^kind c}, {^kind b} and {^kind a}",
    "Cat. {k}. {p}, Study for a {^material a} {^kind a}",
    "Cat. {k}. {p}, Untitled (the {place})",
];

const COMPOSITIONS: &[&str] = &[
    "The [canvas|composition] [is built around|centres on] {the a}, {side a}; {rel ba} it [the painter|{p}] has [set|placed] {the b}. ",
    "{^side c} of the picture [we find|the eye meets] {an c}, {rel ca} {the a}. ",
    "{^an a} and {an b} [share|divide] the [pictorial space|picture plane]: the {kind a} {side a}, the {kind b} {side b}. ",
    "[A diagonal|An unseen line] [leads|runs] from {the d} to {the b}, which [appears|hangs] {rel bd} the {kind d}. ",
    "[The scene is laid|The motif was found] {at}, [whose walls are barely indicated|seen in even light]. ",
    "{^rel ab} the {kind b} [the painter dwells on|one sees] the {part a} of {the a}. ",
];

const SURFACES: &[&str] = &[
    "The [{size a} {kind a}|{kind a}] is [rendered|given] in [flat|thin|dense] {colour a}[, without outline|, layer upon layer|]. ",
    "[Against|Beside] the {colour b} of the {kind b}, the {colour a} {kind a} [seems to glow|recedes|gains weight]. ",
    "One [almost feels|senses] the {feel c} surface of the {material c} {kind c}. ",
    "[Its|The] {shape a} [form|silhouette] [echoes|answers] the {shape b} {kind b}. ",
    "The {kind d}, {size d} and {colour d}, [closes|balances] the [composition|whole]. ",
    "[Nothing is idealised|The drawing is exact]: the {kind a} shows its {part a}, the {kind c} its {part c}. ",
];

const CRITICISM: &[&str] = &[
    "{q} [wrote|remarked] that {p} [paints silence|never hurries|lets objects speak]. ",
    "[Critics|Visitors] [disagreed about|were divided on] the [mood|meaning] of the work[; {q} called it severe|]. ",
    "The [style|manner] [belongs to|recalls] the [late|early|middle] years of {p}, who [trained|taught] with {q}. ",
    "[Is it|One may ask whether it is] an allegory? {^an-kind a} stands for {purpose a}, [and for little else|as everyone knew]. ",
    "[The work was lent|It was shown] by {q} in [two|several] exhibitions and [has been cleaned|was reframed] since. ",
];

const SCULPTURES: &[&str] = &[
    "[Among the sculptures|In the next room] stands {an a}, [carved|worked] in {stuff a}, {feel a} and {shape a}. ",
    "{p} [modelled|shaped] the {kind b} in {stuff b}; [its {part b} was added later|only the {part b} is polished]. ",
    "[The installation|The group] [sets|brings] {an c} {rel cd} {an d}, [a quiet joke|an arrangement of great calm]. ",
];

/// Writes one catalogue page.
pub(crate) fn write(page: &mut Page) {
    for _ in 0..page.dice.between(1, 3) {
        page.numbers = [0; 4].map(|_| page.dice.between(2, 300));
        heading(page);
        for _ in 0..page.dice.between(2, 4) {
            match page.dice.below(10) {
                0..5 => description(page),
                5 => pigments(page),
                6 => counted(page),
                7 => sculpture(page),
                _ => criticism(page),
            }
            page.end("\n\n");
        }
        page.new_scene(4);
        page.new_people();
    }
}

fn heading(page: &mut Page) {
    page.one_of(TITLES);
    let (wide, high) = (page.dice.between(2, 20) * 10, page.dice.between(2, 15) * 10);
    page.tell(". [Oil on canvas|Tempera|Gouache on paper|Watercolour|Pastel], ");
    page.write(format_args!("{wide} x {high} cm"));
    if page.dice.chance(1, 12) {
        page.label(Labels::MATH);
        page.write(format_args!(
            ", an area of {wide} * {high} = {} square centimetres",
            wide * high
        ));
    }
    page.put(".");
    page.end("\n\n");
}

fn description(page: &mut Page) {
    let count = page.dice.between(1, 3);
    page.several_of(COMPOSITIONS, count);
    if page.dice.chance(2, 3) {
        let count = page.dice.between(1, 2);
        page.several_of(SURFACES, count);
    }
}

fn criticism(page: &mut Page) {
    let count = page.dice.between(1, 2);
    page.several_of(CRITICISM, count);
}

fn sculpture(page: &mut Page) {
    page.one_of(SCULPTURES);
    page.one_of(SURFACES);
}

/// How the colour of a thing in the picture is mixed, where it is a mixture.
fn pigments(page: &mut Page) {
    let things = page.scene.things.clone();
    let mixed = things.iter().find_map(|thing| {
        let mixture = MIXTURES.iter().find(|(_, _, mixed)| *mixed == thing.colour);
        mixture.map(|mixture| (thing, mixture))
    });
    let Some((thing, (one, other, mixed))) = mixed else {
        return page.one_of(SURFACES);
    };
    page.label(Labels::CONCEPT | Labels::ATTRIBUTE);
    if page.dice.chance(1, 4) {
        page.label(Labels::SCIENCE);
        page.tell("[Examination of the paint layers|A test of the pigments] confirms [how the colour was obtained|the painter's notes]. ");
    }
    page.tell(&format!(
        "The {mixed} of the {} is [not pure|a mixture]: {one} and {other} [give|make|were mixed to] {mixed}[ on the palette|]. ",
        thing.kind.one
    ));
}

/// How many of the things shown have the first thing's colour.
fn counted(page: &mut Page) {
    let colour = page.scene.things[0].colour;
    let number = page.scene.count(|thing| thing.colour == colour);
    let all = page.scene.count(|_| true);
    page.label(Labels::CONCEPT | Labels::ATTRIBUTE);
    page.numbers = [number, all, 0, page.numbers[3]];
    page.tell(
        "[Of|Among] the {word m} objects shown - {kind a}, {kind b}, {kind c} and {kind d} - ",
    );
    page.tell("[exactly|just] {word n} ");
    page.tell(if number == 1 { "is" } else { "are" });
    page.tell(" {colour a}. ");
    page.one_of(COMPOSITIONS);
}
