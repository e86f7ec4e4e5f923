//! Academia style: small studies with a hypothesis, measured counts and the conclusion that they allow.

use crate::world::labels::Labels;
use crate::world::page::Page;
use crate::world::prose::{Share, joined, list, sum};

/// What a study compares: its field, the outcome counted, and two conditions.
struct Topic {
    field: &'static str,
    outcome: &'static str,
    conditions: [&'static str; 2],
}

const fn topic(field: &'static str, outcome: &'static str, conditions: [&'static str; 2]) -> Topic {
    Topic {
        field,
        outcome,
        conditions,
    }
}

#[rustfmt::skip] // one topic per line
const TOPICS: &[Topic] = &[
    topic("memory", "correct recall", ["rehearsal", "no rehearsal"]),
    topic("learning", "a correct response", ["spaced practice", "massed practice"]),
    topic("attention", "detection of the signal", ["a short interval", "a long interval"]),
    topic("judgement", "agreement between raters", ["written instructions", "oral instructions"]),
    topic("language", "recognition of the word", ["a supporting context", "a neutral context"]),
    topic("dissolution", "complete dissolution", ["stirring", "rest"]),
    topic("crystallisation", "formation of crystals", ["slow cooling", "rapid cooling"]),
    topic("fatigue of materials", "failure of the specimen", ["a high load", "a low load"]),
    topic("germination", "germination", ["moist soil", "dry soil"]),
    topic("navigation", "arrival at the goal", ["a familiar route", "a new route"]),
    topic("cooperation", "a joint decision", ["prior discussion", "no discussion"]),
    topic("estimation of number", "an exact estimate", ["few items", "many items"]),
];

const BACKGROUND: &[&str] = &[
    "[Previous work|A growing literature] [has linked|relates] {X} to {Y}, [yet|but] [replications|controlled trials] remain [rare|inconclusive]. ",
    "[Whether|To what extent] {X} [affects|promotes] {Y} [is disputed|remains an open question]. ",
    "{p} and {q} [reported|described] an effect of {X}; [their samples were small|no control condition was included]. ",
    "[Theories|Models] of {F} [predict|imply] that {X} [facilitates|precedes] {Y}. ",
];

const HYPOTHESES: &[&str] = &[
    "[We hypothesise|Our hypothesis is|We therefore test the hypothesis] that {Y} is more frequent under {X} than under {Z}. ",
    "Hypothesis: the [rate|proportion] of {Y} is higher with {X} than with {Z}. [The null hypothesis states no difference.|] ",
    "If [the account|this view] is correct, {Y} should occur more often under {X} than under {Z}. ",
];

const METHODS: &[&str] = &[
    "[Assignment to conditions was random|Conditions were assigned by lot][ and the raters were blind to it|]. ",
    "[All other factors|Temperature, duration and instruction] were [held constant|the same in both conditions]. ",
    "Each trial ended with {Y} or [after|at the latest after] {n} [minutes|seconds]. ",
    "[Trials with errors of recording|Incomplete trials] [were repeated|were excluded before the analysis]. ",
];

const APPARATUS: &[&str] = &[
    "The apparatus [was set up|stood] {at}: {the a} {rel ab} {the b}. ",
    "[Stimuli|Targets] were {the a}, {side a}, and {the b}, {side b} of the display. ",
    "[As specimen served|The specimen was] {an c}; its surface was {feel c}. ",
];

const LIMITS: &[&str] = &[
    "[The study has limitations|Two limitations apply]: the trials came from one [laboratory|group], and [no follow-up was made|only one outcome was counted]. ",
    "[Further work|Replication] should [vary the duration|include a third condition]. ",
    "[The difference|This pattern] does not [establish|reveal] a mechanism[; it constrains theories of {F}|]. ",
];

/// Writes one paper.
pub(crate) fn write(page: &mut Page) {
    let topic = page.dice.pick(TOPICS);
    let shares = [0; 2].map(|_| Share::new(&mut page.dice));
    let number = page.dice.between(2, 90);
    page.numbers = [number; 4];
    page.write(format_args!(
        "{} and {}: ",
        page.people[0].name, page.people[1].name
    ));
    say(
        page,
        topic,
        &[
            "{X} and {Y}: [an experimental study|evidence from two conditions|a replication]",
            "[On|Notes on] the role of {X} in {F}",
            "Does {X} [favour|promote] {Y}? [A study|An experiment]",
        ],
    );
    page.end("\n\n");
    page.put("Abstract. ");
    page.label(Labels::SCIENCE);
    say(page, topic, BACKGROUND);
    verdict(page, topic, &shares);
    page.end("\n\n");
    page.new_people();
    introduction(page, topic);
    method(page, topic, &shares);
    results(page, topic, &shares);
    for _ in 0..page.dice.between(0, 3) {
        measurements(page);
    }
    discussion(page, topic, &shares);
}

/// Tells one of `templates`, in which `{X}`, `{Z}`, `{Y}` and `{F}` are the conditions, the outcome and the field.
fn say(page: &mut Page, topic: &Topic, templates: &[&'static str]) {
    let [first, second] = topic.conditions;
    let template = page.dice.pick(templates);
    let text = template
        .replace("{X}", first)
        .replace("{Z}", second)
        .replace("{Y}", topic.outcome)
        .replace("{F}", topic.field);
    page.tell(&text);
}

fn introduction(page: &mut Page, topic: &Topic) {
    page.put("1 Introduction. ");
    page.label(Labels::SCIENCE);
    for _ in 0..page.dice.between(1, 2) {
        say(page, topic, BACKGROUND);
    }
    say(page, topic, HYPOTHESES);
    page.end("\n\n");
}

fn method(page: &mut Page, topic: &Topic, [one, other]: &[Share; 2]) {
    let [first, second] = topic.conditions;
    page.put("2 Method. ");
    page.label(Labels::SCIENCE | Labels::MATH);
    page.write(format_args!(
        "There were {} trials with {first} and {} with {second}, {} in all. ",
        one.group,
        other.group,
        sum(&[one.group, other.group])
    ));
    for _ in 0..page.dice.between(1, 3) {
        say(page, topic, METHODS);
    }
    page.end("\n\n");
    if page.dice.chance(2, 5) {
        page.label(Labels::SCIENCE);
        page.one_of(APPARATUS);
        if page.dice.chance(1, 2) {
            buoyancy(page);
        }
        page.end("\n\n");
    }
}

/// Why the first thing's material floats or sinks.
fn buoyancy(page: &mut Page) {
    let material = page.scene.things[0].material;
    let (gap, word) = match 1000 - material.density {
        gap @ 1.. => (format!("1000 - {} = {gap}", material.density), "below"),
        gap => (format!("{} - 1000 = {}", material.density, -gap), "above"),
    };
    page.label(Labels::MATH | Labels::SCIENCE);
    page.tell("The density of {stuff a} ");
    page.write(format_args!(
        "lies {gap} grams per litre {word} that of water; "
    ));
    page.tell("as predicted, the material {floats a}. ");
}

fn results(page: &mut Page, topic: &Topic, shares: &[Share; 2]) {
    page.put("3 Results. ");
    page.label(Labels::SCIENCE | Labels::MATH);
    for (share, condition) in shares.iter().zip(topic.conditions) {
        let Share { hits, group, .. } = share;
        page.tell(&format!(
            "[With|Under] {condition}, {hits} of {group} trials [ended with|showed|led to] {}: {}. ",
            topic.outcome,
            share.shown()
        ));
    }
    let [high, low] = ordered(shares.map(|share| share.percent));
    page.write(format_args!(
        "The difference is {high} - {low} = {} percentage points. ",
        high - low
    ));
    page.end("\n\n");
}

fn ordered([one, other]: [i64; 2]) -> [i64; 2] {
    [one.max(other), one.min(other)]
}

/// A series of five durations: their mean, and their median by sorting.
fn measurements(page: &mut Page) {
    let mean = page.dice.between(30, 90);
    let (near, far) = (page.dice.between(1, 9), page.dice.between(10, 19));
    let mut values =
        [mean - far, mean - near, mean, mean + near, mean + far].map(|value| value + 1);
    values[0] -= 5;
    let middle = values[2];
    page.dice.shuffle(&mut values);
    page.label(Labels::MATH | Labels::SCIENCE);
    page.tell("[Durations|Latencies|Delays] of five [control|additional] trials were ");
    page.write(format_args!(
        "{} seconds; their mean is ({}) / 5 = {mean} seconds. ",
        list(&values),
        joined(&values, " + ")
    ));
    if page.dice.chance(3, 4) {
        page.label(Labels::CODE);
        values.sort_unstable();
        page.tell("[Procedure for the median|Algorithm 1]: sort the values in ascending order, then [return|take] the [third|middle] of the five. ");
        page.write(format_args!(
            "Sorted: {}; median: {middle} seconds. ",
            list(&values)
        ));
    }
    page.end("\n\n");
}

fn verdict(page: &mut Page, topic: &Topic, [one, other]: &[Share; 2]) {
    let [first, second] = topic.conditions;
    let word = if one.percent > other.percent {
        "[was supported|is supported by the data|was confirmed]"
    } else {
        "[was not supported|is not supported by the data|was not confirmed]"
    };
    page.label(Labels::MATH);
    page.tell(&format!(
        "The rate of {} was {} per cent [with|under] {first} and {} per cent [with|under] {second}; the hypothesis {word}. ",
        topic.outcome, one.percent, other.percent
    ));
}

fn discussion(page: &mut Page, topic: &Topic, shares: &[Share; 2]) {
    page.put("4 Discussion. ");
    page.label(Labels::SCIENCE);
    verdict(page, topic, shares);
    for _ in 0..page.dice.between(1, 2) {
        say(page, topic, LIMITS);
    }
    page.end("\n");
}
