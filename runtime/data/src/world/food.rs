//! Food style: recipes with amounts and steps, and talk about tables and dishes.

use crate::world::labels::Labels;
use crate::world::page::Page;
use crate::world::prose::{capital, list};

/// What goes into a dish: its name, its colour, the unit it is measured in, and how much a person eats.
struct Ingredient {
    name: &'static str,
    colour: &'static str,
    unit: &'static str,
    amount: i64,
}

const fn ingredient(
    name: &'static str,
    colour: &'static str,
    unit: &'static str,
    amount: i64,
) -> Ingredient {
    Ingredient {
        name,
        colour,
        unit,
        amount,
    }
}

#[rustfmt::skip] // one ingredient per line
const INGREDIENTS: &[Ingredient] = &[
    ingredient("tomatoes", "red", "g", 120),
    ingredient("lentils", "brown", "g", 80),
    ingredient("spinach", "green", "g", 90),
    ingredient("carrots", "orange", "g", 70),
    ingredient("rice", "white", "g", 75),
    ingredient("beetroot", "purple", "g", 100),
    ingredient("peas", "green", "g", 60),
    ingredient("maize", "yellow", "g", 85),
    ingredient("mushrooms", "brown", "g", 65),
    ingredient("milk", "white", "ml", 150),
    ingredient("cabbage", "green", "g", 110),
    ingredient("strawberries", "red", "g", 95),
    ingredient("lemon juice", "yellow", "ml", 15),
    ingredient("blackberries", "black", "g", 50),
    ingredient("flour", "white", "g", 105),
    ingredient("salmon", "pink", "g", 130),
];

const FIRST: &[&str] = &[
    "[Wash|Rinse] the {X} and [chop|slice] [them|everything] [finely|coarsely]. ",
    "[Bring|Heat] water [to the boil|until it steams] and add [a pinch of salt|the {X}]. ",
    "[Leave|Let] the {X} [rest|soak] for {n} minutes. ",
    "[Weigh|Measure] the {X}[ carefully|], then [set aside|cover]. ",
];

const MIDDLE: &[&str] = &[
    "[Stir in|Fold in|Add] the {Y} and [simmer|cook] for {m} minutes[ over low heat|]. ",
    "[Simmer|Braise|Steam] until the {Y} [softens|is tender], about {m} minutes. ",
    "When the mixture turns {C}, [lower the heat|stir once] and [season|taste]. ",
    "Put the {Y} into {the a} and [whisk|mash] [it|well]. ",
    "[Pour|Scoop] everything into {an a} of {stuff a} and [cool|keep warm]. ",
];

const LAST: &[&str] = &[
    "[Serve|Eat] [hot|lukewarm|cold] [with bread|with herbs|at once]. ",
    "[Arrange|Serve] in {an a}, [with|next to] {an b}; {the a} [goes|belongs] {rel ab} {the b}. ",
    "[Garnish|Sprinkle] with parsley and [serve|bring] it {at}. ",
    "The {C} [looks best|shows well] against the {colour a} {kind a}. ",
];

const TALK: &[&str] = &[
    "{p} [cooks|bakes] {at} and [swears by|praises] {an a}, [kept|hung] {rel ab} {the b}. ",
    "[On the table|At lunch] we saw {an a}, {an b} and {an c}; the {kind c} was {side c}. ",
    "My [grandmother|aunt|neighbour] {q} [used|owned] a {colour a} {kind a} [for everything|all her life]. ",
    "[Leftovers|Half of it] can be [frozen|kept two days] in {an c}[, tightly closed|]. ",
    "[Taste|Appetite] [begins|starts] with the eye: {an b} makes any [stew|soup] look [richer|plainer]. ",
    "[Too salty|Too sour]? [Add water|Stir in milk], says {p}, and [never hurry|taste again]. ",
    "The {size b} {kind b} is {feel b}; [wipe it dry|do not scrub it] after [use|cooking]. ",
];

const CHEMISTRY: &[&str] = &[
    "[Why|The reason] [does it thicken|for the crust]? Starch swells in hot liquid; [tested|compared] with cold liquid, [nothing happens|it stays thin]. ",
    "[Yeast|Dough] [rises|grows] faster in warmth: [an experiment|a test] with a warm and a cold batch shows it. ",
    "[Acid|Lemon] keeps cut fruit from darkening; [half a batch without it darkened|the untreated half proved it]. ",
];

/// Writes one recipe.
pub(crate) fn write(page: &mut Page) {
    let mut chosen: [&Ingredient; 3] = [0; 3].map(|_| page.dice.pick(INGREDIENTS));
    while chosen[0].name == chosen[1].name
        || chosen[1].name == chosen[2].name
        || chosen[0].name == chosen[2].name
    {
        chosen = [0; 3].map(|_| page.dice.pick(INGREDIENTS));
    }
    page.numbers = [0; 4].map(|_| page.dice.between(2, 45));
    let people = page.dice.between(1, 9);
    title(page, chosen);
    amounts(page, chosen, people);
    steps(page, chosen);
    for _ in 0..page.dice.between(1, 3) {
        page.new_scene(3);
        match page.dice.below(10) {
            0 | 1 => chemistry(page),
            2 => scaled(page, chosen[0], people),
            3 | 4 => season(page, chosen),
            _ => talk(page),
        }
        page.end("\n\n");
    }
}

fn title(page: &mut Page, [one, other, _]: [&Ingredient; 3]) {
    let dish = *page.dice.pick(&[
        "stew", "soup", "salad", "bake", "curry", "pie", "porridge", "hotpot",
    ]);
    page.write(format_args!(
        "{} and {} {dish}",
        capital(one.name),
        other.name
    ));
    page.tell("[ after {p}| the way {p} likes it| for {n} minutes of work|, quick|]");
    page.end("\n\n");
}

fn amounts(page: &mut Page, chosen: [&Ingredient; 3], people: i64) {
    page.write(format_args!("Serves {people}.\n"));
    for Ingredient {
        name, unit, amount, ..
    } in chosen
    {
        page.write(format_args!("- {} {unit} {name}\n", amount * people));
    }
    page.end("\n");
}

/// Tells one of `templates`, in which `{X}`, `{Y}` and `{C}` are two ingredients and the second one's colour.
fn say(page: &mut Page, templates: &[&'static str], [one, other, _]: [&Ingredient; 3]) {
    let template = *page.dice.pick(templates);
    if template.contains("{C}") {
        page.label(Labels::ATTRIBUTE);
    }
    let text = template.replace("{X}", one.name).replace("{Y}", other.name);
    page.tell(&text.replace("{C}", other.colour));
}

fn steps(page: &mut Page, chosen: [&Ingredient; 3]) {
    let [one, other, third] = chosen;
    let orders = [
        [one, other, third],
        [other, third, one],
        [third, one, other],
    ];
    for (number, templates) in [FIRST, MIDDLE, MIDDLE, LAST].into_iter().enumerate() {
        let order = *page.dice.pick(&orders);
        page.write(format_args!("{}. ", number + 1));
        say(page, templates, order);
        page.end("\n");
        page.numbers = [0; 4].map(|_| page.dice.between(2, 45));
    }
    page.put("\n");
}

fn chemistry(page: &mut Page) {
    page.label(Labels::SCIENCE);
    page.one_of(CHEMISTRY);
    page.one_of(TALK);
}

/// The amount for more people.
fn scaled(page: &mut Page, one: &Ingredient, people: i64) {
    let more = people + page.dice.between(1, 12);
    page.label(Labels::MATH);
    page.write(format_args!(
        "For {more} instead of {people}: {more} * {} = {} {} {}. ",
        one.amount,
        more * one.amount,
        one.unit,
        one.name
    ));
}

fn season(page: &mut Page, chosen: [&Ingredient; 3]) {
    page.label(Labels::ATTRIBUTE);
    let named: Vec<_> = chosen
        .iter()
        .map(|one| format!("{} {}", one.colour, one.name))
        .collect();
    page.tell("[At the stall|In season|What to look for]: ");
    page.write(format_args!("{}. ", list(&named)));
    page.one_of(TALK);
}

fn talk(page: &mut Page) {
    page.one_of(TALK);
    if page.dice.chance(1, 2) {
        page.one_of(TALK);
    }
}
