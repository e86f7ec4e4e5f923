//! Food style: recipes with amounts and steps, and talk about tables and dishes.

use crate::world::labels::Labels;
use crate::world::page::Page;
use crate::world::prose::{capital, list};
use crate::world::scene::Scene;

/// What goes into a dish: its name, its colour, and how much of it a person eats, in grams.
struct Ingredient {
    name: &'static str,
    colour: &'static str,
    amount: i64,
}

const fn ingredient(name: &'static str, colour: &'static str, amount: i64) -> Ingredient {
    Ingredient {
        name,
        colour,
        amount,
    }
}

#[rustfmt::skip] // one ingredient per line
const INGREDIENTS: &[Ingredient] = &[
    ingredient("tomatoes", "red", 120),
    ingredient("lentils", "brown", 80),
    ingredient("spinach", "green", 90),
    ingredient("carrots", "orange", 70),
    ingredient("rice", "white", 75),
    ingredient("beetroot", "purple", 100),
    ingredient("peas", "green", 60),
    ingredient("maize", "yellow", 85),
    ingredient("mushrooms", "brown", 65),
    ingredient("cauliflower", "white", 140),
    ingredient("cabbage", "green", 110),
    ingredient("strawberries", "red", 95),
    ingredient("pumpkin", "orange", 115),
    ingredient("blackberries", "black", 50),
    ingredient("leeks", "green", 55),
    ingredient("salmon", "pink", 130),
];

const FIRST: &[&str] = &[
    "[Wash|Rinse] the {X} and [drain|dry] [well|in a cloth]. ",
    "[Bring|Heat] the water [to the boil|until it steams] and add [a pinch of salt|the {X}]. ",
    "Let the {X} [rest|soak] for {n} minutes. ",
    "[Weigh|Measure] the {X}[ carefully|], then [set aside|cover]. ",
    "[Peel|Trim|Clean] what needs it and [cut|divide] the {X} [finely|coarsely|by hand]. ",
    "Fill {the a} with the {X}[ and a little water|]. ",
];

const MIDDLE: &[&str] = &[
    "[Stir in|Fold in|Add] the {Y} and [simmer|cook] for {m} minutes[ over low heat|]. ",
    "[Simmer|Braise|Steam] with the {Y} until [soft|tender], about {m} minutes. ",
    "When the mixture turns {C}, [lower the heat|stir once] and [season|taste]. ",
    "Put the {Y} into {the a} and [whisk|mash|toss] [briefly|well]. ",
    "[Pour|Scoop] everything into {an a} and [cool|keep warm]. ",
    "[Season|Taste] after {m} minutes; [the {Y} should be soft|salt only now]. ",
];

const LAST: &[&str] = &[
    "[Serve|Eat] [hot|lukewarm|cold] [with bread|with herbs|at once]. ",
    "[Arrange|Serve] in {an a}, [with|next to] {an b}; {the a} [goes|belongs] {rel ab} {the b}. ",
    "[Garnish|Sprinkle] with parsley and [serve|eat] {at}. ",
    "The {C} [looks best|shows well] against the {colour a} {kind a}. ",
];

const TALK: &[&str] = &[
    "{p} [cooks|bakes] {at} and [swears by|praises] {an a}, [kept|hung] {rel ab} {the b}. ",
    "[At supper|At lunch] we saw {an a}, {an b} and {an c}; the {kind c} was {side c}. ",
    "My [grandmother|aunt|neighbour] {q} [used|owned] {an-colour a} {kind a} [for everything|all her life]. ",
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
    let mut places: Vec<usize> = (0..INGREDIENTS.len()).collect();
    page.dice.shuffle(&mut places);
    let chosen = [0, 1, 2].map(|place| &INGREDIENTS[places[place]]);
    page.numbers = [0; 4].map(|_| page.dice.between(2, 45));
    let people = page.dice.between(1, 9);
    vessels(page);
    title(page, chosen);
    amounts(page, chosen, people);
    steps(page, chosen);
    for _ in 0..page.dice.between(1, 3) {
        vessels(page);
        match page.dice.below(10) {
            0 | 1 => chemistry(page),
            2 => scaled(page, chosen[0], people),
            3 | 4 => season(page, chosen),
            _ => talk(page),
        }
        page.end("\n\n");
    }
}

/// Turns to a scene of what one cooks and serves with.
fn vessels(page: &mut Page) {
    page.scene = Scene::among(&mut page.dice, 3, |kind| {
        kind.class == "vessel" || kind.one == "basket"
    });
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
    page.label(Labels::CONCEPT);
    page.write(format_args!("Serves {people}.\n"));
    for Ingredient { name, amount, .. } in chosen {
        page.write(format_args!("- {} g {name}\n", amount * people));
    }
    page.write(format_args!("- {} ml water\n", 150 * people));
    page.end("\n");
}

/// Tells one of `templates`, in which `{X}`, `{Y}` and `{C}` are two ingredients and the second one's
/// colour.
fn say(page: &mut Page, templates: &[&'static str], [one, other, _]: [&Ingredient; 3]) {
    let template = *page.dice.pick(templates);
    if template.contains("{C}") {
        page.label(Labels::ATTRIBUTE);
    }
    if template.contains(['X', 'Y']) {
        page.label(Labels::CONCEPT);
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
    page.label(Labels::MATH | Labels::CONCEPT);
    page.write(format_args!(
        "For {more} instead of {people}: {more} * {} = {} g {}. ",
        one.amount,
        more * one.amount,
        one.name
    ));
}

fn season(page: &mut Page, chosen: [&Ingredient; 3]) {
    page.label(Labels::ATTRIBUTE | Labels::CONCEPT);
    let named: Vec<_> = chosen
        .iter()
        .map(|one| format!("{} {}", one.colour, one.name))
        .collect();
    page.tell("[At the stall|In season|What to look for]: ");
    page.write(format_args!("{}. ", list(&named)));
    page.one_of(TALK);
}

fn talk(page: &mut Page) {
    let count = page.dice.between(1, 2);
    page.several_of(TALK, count);
}
