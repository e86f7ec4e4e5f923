//! Biology style: field notes and descriptions of living things among the things of scenes.

use std::cmp::Ordering;

use crate::world::labels::Labels;
use crate::world::page::{Page, article_of};
use crate::world::prose::{Share, capital, list, sum};

/// A living thing and the facts about it.
struct Organism {
    one: &'static str,
    many: &'static str,
    class: &'static str,
    legs: i64,
    /// A part, and what the part is for.
    part: [&'static str; 2],
    food: &'static str,
    habitat: &'static str,
}

const fn organism(
    names: [&'static str; 2],
    class: &'static str,
    legs: i64,
    part: [&'static str; 2],
    food: &'static str,
    habitat: &'static str,
) -> Organism {
    let [one, many] = names;
    Organism {
        one,
        many,
        class,
        legs,
        part,
        food,
        habitat,
    }
}

#[rustfmt::skip] // one organism per line
const ORGANISMS: &[Organism] = &[
    organism(["snail", "snails"], "mollusc", 0, ["shell", "protection"], "leaves", "damp walls"),
    organism(["beetle", "beetles"], "insect", 6, ["wing case", "covering the wings"], "decaying timber", "cracks and bark"),
    organism(["ant", "ants"], "insect", 6, ["antenna", "sensing scent"], "seeds", "nests in the soil"),
    organism(["moth", "moths"], "insect", 6, ["wing", "flight"], "nectar", "sheltered corners"),
    organism(["spider", "spiders"], "arachnid", 8, ["spinneret", "making silk"], "moths", "undisturbed corners"),
    organism(["woodlouse", "woodlice"], "crustacean", 14, ["gill", "breathing damp air"], "rotting leaves", "dark and moist places"),
    organism(["mouse", "mice"], "mammal", 4, ["whisker", "feeling the way"], "grain", "dry hollows"),
    organism(["sparrow", "sparrows"], "bird", 2, ["beak", "opening seeds"], "seeds", "hedges and eaves"),
    organism(["frog", "frogs"], "amphibian", 4, ["tongue", "catching prey"], "beetles", "ponds and ditches"),
    organism(["lizard", "lizards"], "reptile", 4, ["scale", "keeping moisture in"], "spiders", "sunny walls"),
    organism(["earthworm", "earthworms"], "annelid", 0, ["segment", "burrowing"], "dead leaves", "loose soil"),
    organism(["hedgehog", "hedgehogs"], "mammal", 4, ["spine", "defence"], "earthworms", "piles of leaves"),
];

const LODGINGS: &[&str] = &[
    "[We recorded|A single animal was found|One individual was observed] on the [underside|surface] of {the a} {at}. ",
    "[The animals|Most individuals] [sheltered|gathered] near {the a}, {side a}, {rel ab} {the b}. ",
    "[Traces of feeding|Droppings] lay {rel ac} {the c}, [close to|not far from] {the a}. ",
    "{^an b} of {stuff b}, {feel b} [to the touch|at noon], served as a [resting place|shelter]. ",
    "[At dusk|After rain] they [moved|crept] from {the a} to {the b}, that is, to what stood {rel ba} the {kind a}. ",
    "[Markings|The spots] were {colour c}; [background|substrate]: {stuff a}. ",
];

const BEHAVIOUR: &[&str] = &[
    "[Activity|Feeding] [peaked|was highest] [after dusk|in the early morning|after rain]. ",
    "[Marked individuals|Juveniles] [returned|were seen again] after {n} days. ",
    "[Observer|Recorded by]: {p}[, checked by {q}|]. [Weather|Conditions]: [overcast|dry|light rain|wind]. ",
    "[No courtship|No aggression|Little movement] was [observed|noted][ during the visit|]. ",
];

/// Writes one sheet.
pub(crate) fn write(page: &mut Page) {
    let organism = page.dice.pick(ORGANISMS);
    page.label(Labels::CONCEPT);
    page.tell("[Field notes|Species account|Observation sheet|Natural history]: ");
    page.write(format_args!("the {}", organism.one));
    page.end("\n\n");
    account(page, organism);
    for _ in 0..page.dice.between(2, 4) {
        page.numbers = [0; 4].map(|_| page.dice.between(2, 28));
        match page.dice.below(8) {
            0 | 1 => habitat(page, organism),
            2 | 3 => census(page, organism),
            4 | 5 => choice(page, organism),
            6 => chain(page),
            _ => behaviour(page),
        }
        page.end("\n\n");
        page.new_scene(4);
    }
}

fn account(page: &mut Page, organism: &Organism) {
    let Organism {
        one,
        many,
        class,
        legs,
        part: [part, use_of_part],
        food,
        habitat,
    } = organism;
    page.label(Labels::CONCEPT | Labels::RELATION);
    let (article, class_article) = (capital(article_of(one)), article_of(class));
    page.write(format_args!("{article}{one} is {class_article}{class}. "));
    page.tell(&match legs {
        0 => format!("[It has no legs|Legs are absent]; its {part} serves for {use_of_part}. "),
        _ => format!(
            "[It has|The body bears] {legs} legs; [each|a] {part} serves for {use_of_part}. "
        ),
    });
    page.tell(&format!(
        "{} [live|occur|are found] in {habitat} and [feed on|eat] {food}. ",
        capital(many)
    ));
    page.end("\n\n");
}

fn habitat(page: &mut Page, organism: &Organism) {
    page.label(Labels::SCIENCE | Labels::CONCEPT);
    let site = page.numbers[1];
    page.write(format_args!(
        "Habitat of the {} at site {site}. ",
        organism.one
    ));
    let count = page.dice.between(1, 2);
    page.several_of(LODGINGS, count);
    page.one_of(BEHAVIOUR);
}

fn behaviour(page: &mut Page) {
    page.label(Labels::SCIENCE);
    page.put("Behaviour. ");
    page.several_of(BEHAVIOUR, 2);
}

/// Counts of several days and what they add up to.
fn census(page: &mut Page, organism: &Organism) {
    let counts = page.numbers;
    page.label(Labels::SCIENCE | Labels::CONCEPT);
    let total: i64 = counts.iter().sum();
    page.tell("[Counts|Individuals counted] on four [days|nights|visits]: ");
    page.write(format_args!("{}", list(&counts)));
    if page.dice.chance(1, 2) {
        page.label(Labels::MATH);
        page.write(format_args!(
            ". Together {} {}",
            sum(&counts),
            organism.many
        ));
        if organism.legs > 0 {
            page.write(format_args!(
                ", with {total} * {} = {} legs",
                organism.legs,
                total * organism.legs
            ));
        }
    } else {
        page.write(format_args!(" {}", organism.many));
    }
    page.put(match counts[3].cmp(&counts[0]) {
        Ordering::Greater => ". The last count exceeds the first. ",
        Ordering::Less => ". The last count is lower than the first. ",
        Ordering::Equal => ". The last count equals the first. ",
    });
    page.one_of(BEHAVIOUR);
}

/// A choice between two places, and what it tells about a hypothesis.
fn choice(page: &mut Page, organism: &Organism) {
    let (share, many) = (Share::new(&mut page.dice), organism.many);
    let [wanted, other] = *page.dice.pick(&[
        ["damp", "dry"],
        ["dark", "lit"],
        ["cool", "warm"],
        ["sheltered", "open"],
    ]);
    page.label(Labels::SCIENCE | Labels::CONCEPT);
    page.tell(&format!(
        "[Hypothesis|Prediction]: {many} prefer the {wanted} side. [Test|Experiment]: {} animals [chose between|were offered] two sides, {wanted} and {other}; {} chose the {wanted} one",
        share.group, share.hits
    ));
    if page.dice.chance(1, 3) {
        page.label(Labels::MATH);
        page.write(format_args!(", {}", share.shown()));
    }
    page.put(match share.percent {
        51.. => ". More than half: this agrees with the hypothesis. ",
        50 => ". Exactly half: no preference was shown. ",
        _ => ". Less than half: this speaks against the hypothesis. ",
    });
}

/// Who is eaten by whom.
fn chain(page: &mut Page) {
    let links: Vec<_> = ORGANISMS
        .iter()
        .flat_map(|eater| ORGANISMS.iter().map(move |eaten| (eater, eaten)))
        .filter(|(eater, eaten)| eater.food == eaten.many)
        .collect();
    page.label(Labels::SCIENCE | Labels::CONCEPT);
    if let Some((eater, eaten)) = links.get(page.dice.below(links.len())) {
        page.tell(&format!(
            "[Food web|Trophic relations]. {} eat {}, and {} eat {}; [so|hence|it follows that] without {} there would be [fewer|less food for] {}. ",
            capital(eater.many), eaten.many, eaten.many, eaten.food, eaten.food, eater.many
        ));
    }
    page.one_of(BEHAVIOUR);
}
