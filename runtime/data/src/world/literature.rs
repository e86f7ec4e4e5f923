//! Literature style: small stories with dialogue in described places.

use crate::world::page::Page;

const OPENINGS: &[&str] = &[
    "[Once|Long ago|One winter], {at}, there lived a [child|dreamer|wanderer] whom everyone called {p}. ",
    "It was [late|early|raining softly] when {p} [came|stepped|stole] into the {place}. ",
    "{p} had [never|not once] [seen|entered] the {place} [by moonlight|at that hour] before. ",
    "The {place} was [silent|still], as if it were [waiting|listening]. {p} [held {his p} breath|stood quite still]. ",
    "[All summer|For seven days] {p} had thought of nothing but the {kind a}. ",
    "[When the bells had fallen silent|As the light was fading], {p} remembered the {kind a} {at}. ",
];

const DESCRIPTIONS: &[&str] = &[
    "{^rel ab} {the b} stood {an a}, [{colour a} as evening|pale in the half-light|forgotten by everyone]. ",
    "[There|Before {him p}], {rel cb} {the b}, [lay|waited|gleamed] {an c}. ",
    "The {kind a} was {size a}, and its {part a} [shone|was cracked|was cold under {his p} fingers]. ",
    "{^the d} [rested|slept] {rel da} {the a}, [and the dust upon it was like snow|and nobody had moved it for years]. ",
    "{^he p} [touched|brushed] the {material b} {kind b}; it was {feel b}[, like a memory|, like something alive|]. ",
    "[A thin light|The last sun] fell on {the c}[ and made it glow|, and its {part c} threw a long shadow]. ",
    "{^side b} [one could see|was] {the b}, [small against the wall|quite alone]; {rel ab} it, {the a}. ",
];

const ACTIONS: &[&str] = &[
    "{^he p} [lifted|took] {the a} and [set|laid] it down again[ without a sound|, trembling|]. ",
    "{^he p} [walked|crept] past {the b} and [knelt|stopped] before {the c}. ",
    "Then {q} [appeared|came in], [carrying|hiding] {an d}[ under {his q} coat|]. ",
    "[For a while|For a long moment] neither {p} nor {q} [spoke|moved]. ",
    "{p} [thought|dreamt] of {purpose a}, and of [home|the sea|those who had gone]. ",
    "Somewhere a door [closed|opened], and {q} [turned|looked up]. ",
    "{^he p} [counted|counted softly]: one, two, three {kinds c}, [and no more|and then the dark]. ",
];

const SPEECHES: &[&str] = &[
    "\"Where is the {kind a}?\" [asked|whispered] {q}.\n\n\"{^rel ab} the {kind b},\" [said|answered] {p}[ softly|], \"where it [has always been|belongs].\"\n\n",
    "\"[Look|See]!\" [cried|said] {p}. \"{^an c}!\"\n\n\"It is {colour c},\" said {q}, \"[and I had thought it lost|just as you promised|like my mother's].\"\n\n",
    "\"[Do you see|Can you find] {the d}?\" {q} [asked|murmured].\n\n{p} [nodded|pointed]. \"{^side d}. {^rel da} the {kind a}.\"\n\n",
    "\"A {kind b} is for {purpose b},\" said {q}[ gravely|].\n\n\"[Not this one|Not tonight],\" {p} [replied|answered].\n\n",
    "\"[Will it float|Would it float], if we threw it into the river?\" asked {p}.\n\n\"{^stuff a} {floats a},\" said {q}, \"[as every child knows|and always has].\"\n\n",
    "\"I [remember|dreamt of] it as {size a},\" said {p}, \"and {colour a}.\"\n\n\"[Everything was larger then|You were small yourself],\" {q} said.\n\n",
];

const ENDINGS: &[&str] = &[
    "And [so|there] they left {the a} {rel ab} {the b}, [where it stands to this day|and never spoke of it again]. ",
    "[Years later|When {he p} was old], {p} would still see it: the {kind c}, {colour c}, {rel ca} {the a}. ",
    "{^he p} [smiled|wept a little], and the {place} was [quiet|dark] again. ",
    "[In the morning|At dawn] the {kind a} was gone; only its {part a} [remained|was found]. ",
];

/// Writes one story.
pub(crate) fn write(page: &mut Page) {
    page.one_of(OPENINGS);
    paragraph(page);
    for _ in 0..page.dice.between(2, 5) {
        if page.dice.chance(2, 5) {
            page.one_of(SPEECHES);
            page.end("");
        } else {
            page.one_of(ACTIONS);
            paragraph(page);
        }
        if page.dice.chance(1, 5) {
            turn(page);
        }
    }
    page.one_of(ENDINGS);
    page.end("\n");
}

fn paragraph(page: &mut Page) {
    for _ in 0..page.dice.between(1, 3) {
        let kind = if page.dice.chance(3, 4) {
            DESCRIPTIONS
        } else {
            ACTIONS
        };
        page.one_of(kind);
    }
    page.end("\n\n");
}

/// Goes on at another place with the same people.
fn turn(page: &mut Page) {
    page.new_scene(4);
    page.tell("[Later they found themselves|By evening they were|Next day they stood] {at}. ");
    page.one_of(DESCRIPTIONS);
    page.end("\n\n");
}
