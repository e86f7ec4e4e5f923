//! Philosophy style: premises and the conclusions that follow from them, objections and replies.

use crate::world::labels::Labels;
use crate::world::page::Page;

/// A conditional of which nothing is seen: its two halves, and what their absence is called.
struct Conditional {
    first: &'static str,
    second: &'static str,
    not_first: &'static str,
    not_second: &'static str,
}

const fn conditional(
    [first, second]: [&'static str; 2],
    [not_first, not_second]: [&'static str; 2],
) -> Conditional {
    Conditional {
        first,
        second,
        not_first,
        not_second,
    }
}

#[rustfmt::skip] // one conditional per line
const CONDITIONALS: &[Conditional] = &[
    conditional(["the claim is known", "the claim is true"], ["the claim is not known", "the claim is not true"]),
    conditional(["the will is free", "the agent could have acted otherwise"], ["the will is not free", "the agent could not have acted otherwise"]),
    conditional(["the act was intended", "the agent knew of it"], ["the act was not intended", "the agent did not know of it"]),
    conditional(["the promise binds", "it was given freely"], ["the promise does not bind", "it was not given freely"]),
    conditional(["the doubt is sincere", "something is believed"], ["the doubt is not sincere", "nothing is believed"]),
    conditional(["the law is just", "it treats like cases alike"], ["the law is not just", "it does not treat like cases alike"]),
    conditional(["the theory is scientific", "it can be refuted"], ["the theory is not scientific", "it cannot be refuted"]),
    conditional(["the pleasure is good in itself", "it needs no further end"], ["the pleasure is not good in itself", "it needs a further end"]),
    conditional(["the word has meaning", "it has a use"], ["the word has no meaning", "it has no use"]),
    conditional(["the self persists", "memory is continuous"], ["the self does not persist", "memory is not continuous"]),
    conditional(["the proof is valid", "no step is missing"], ["the proof is not valid", "some step is missing"]),
    conditional(["time is real", "change is real"], ["time is not real", "change is not real"]),
];

const REMARKS: &[&str] = &[
    "[Here one must distinguish|{p} distinguishes] [the true from the probable|what is said from what is meant|causes from reasons]. ",
    "[{p}|A sceptic] [asks|wonders] whether [certainty|knowledge] is [possible|worth having] at all; {q} [answers|replies] that [doubt presupposes a standard|the question answers itself]. ",
    "[What|But what], then, is [virtue|justice|meaning|freedom]? [Neither habit nor rule alone|Nothing that could be commanded][, it seems|]. ",
    "[The dispute|The disagreement] between {p} and {q} is [merely verbal|about words only|deeper than it seems]. ",
    "[To will the end|To want a thing] is [to will the means|to think it good], [said|wrote] {p}[, and {q} agreed|]. ",
    "[Custom|Language] [misleads|tempts] us: we [ask for|seek] a thing behind [every noun|each word], {p} [warns|complains]. ",
    "[Either|It must be that] [reason|feeling] [commands|persuades], {q} [held|maintained], [for|since] [no one obeys a mere fact|facts alone move nobody]. ",
    "[It is one thing|Granted, it is easy] to [define|praise] [courage|wisdom|duty], [another|harder] to [recognise|practise] it. ",
    "[Regret|Hope] [looks|points] [back|ahead]; [yet|but] both [are felt now|belong to the present], [as {p} notes|{q} adds]. ",
    "[Nobody|No one] [errs willingly|can doubt everything at once]; [so|thus] [teaching|conversation] [matters|has a point]. ",
];

const APPEARANCES: &[&str] = &[
    "[Suppose|Imagine] {the a} is left in the dark. Is it still {colour a}? [{p} says that colour is a power|{q} says that it only looks so by day]. ",
    "[We say that|Consider how] {the a} is {rel ab} {the b}. [Left and right, above and below, are converse|Relations have converses]; [hence|therefore] {the b} is {rel ba} {the a}. ",
    "[{^an-kind b} without {an-part b}|What has no {part b}] - is it [{an-kind b} still|{an-kind b} in name only]? [{p} doubts it|The case is open]. ",
    "[The essence|The end] of {an-kind c}, says {p}, is {purpose c}; its {colour c} [surface|hue] is [accidental|inessential]. ",
];

/// Writes one dialogue or treatise.
pub(crate) fn write(page: &mut Page) {
    let title = page.dice.between(2, 99);
    page.numbers = [title; 4];
    page.tell("[On|Of] [knowledge|freedom|appearance|inference|the good|language], [fragment|chapter|letter|section] {n}[: {p} and {q}|, after {p}]");
    page.end("\n\n");
    for _ in 0..page.dice.between(4, 7) {
        match page.dice.below(24) {
            0..2 => syllogism(page),
            2 => comparison(page),
            3 => pigeonholes(page),
            4..8 => observation(page),
            8..10 => page.one_of(APPEARANCES),
            10..12 => formal(page),
            12..14 => induction(page),
            _ => remarks(page),
        }
        page.end("\n\n");
        page.new_scene(3);
        if page.dice.chance(1, 3) {
            page.new_people();
        }
    }
}

fn remarks(page: &mut Page) {
    page.several_of(REMARKS, 2);
}

/// A derivation from what kinds of things are.
fn syllogism(page: &mut Page) {
    page.label(Labels::MATH);
    page.one_of(&[
        "[Major premise|First premise]: every {kind a} is {an-class a}. [Minor premise|Second premise]: what {p} holds is {an-kind a}. Conclusion: what {p} holds is {an-class a}. ",
        "Premise 1: every {kind a} has {an-part a}. Premise 2: this has no {part a}. Conclusion: this is not {an-kind a}. ",
        "Premise 1: no {kind a} is {an-kind b}. Premise 2: {p}'s gift is {an-kind b}. Conclusion: {p}'s gift is not {an-kind a}. ",
        "Premise 1: all {kinds a} are {shape a}. Premise 2: some {colour a} objects are {kinds a}. Conclusion: some {colour a} objects are {shape a}. ",
    ]);
}

/// Sizes are ordered: what is smaller than a smaller thing is smaller.
fn comparison(page: &mut Page) {
    let mut things = page.scene.things.clone();
    things.sort_by_key(|thing| thing.size);
    let [one, other, third, ..] = things.as_slice() else {
        return remarks(page);
    };
    let [one, other, third] = [one, other, third].map(|thing| thing.kind.one);
    page.label(Labels::MATH | Labels::CONCEPT | Labels::ATTRIBUTE);
    page.tell(&format!(
        "[Being smaller|The relation of being smaller] is transitive. The {one} is smaller than the {other}, and the {other} is smaller than the {third}. [Therefore|Hence] the {one} is smaller than the {third}. "
    ));
}

fn pigeonholes(page: &mut Page) {
    let rooms = page.dice.between(2, 40);
    let guests = rooms + page.dice.between(1, 30);
    page.label(Labels::MATH);
    page.tell(&format!(
        "[Let|Suppose] {guests} [guests|thoughts|letters] be [distributed among|assigned to] {rooms} [rooms|places]. If each had at most one, there would be at most {rooms}; but there are "
    ));
    page.write(format_args!("{rooms} + {} = {guests}. ", guests - rooms));
    page.tell("[So some place holds more than one|Hence at least one holds two or more]. ");
}

/// Modus ponens or modus tollens.
fn formal(page: &mut Page) {
    let Conditional {
        first,
        second,
        not_first,
        not_second,
    } = page.dice.pick(CONDITIONALS);
    page.label(Labels::MATH);
    page.tell(&format!("[Premise 1|First]: if {first}, then {second}. "));
    let conclusion = if page.dice.chance(1, 2) {
        format!("[Premise 2|Second]: {first}. [Conclusion|It follows]: {second}. ")
    } else {
        format!("[Premise 2|Second]: {not_second}. [Conclusion|It follows]: {not_first}. ")
    };
    page.tell(&conclusion);
    page.tell(
        "[The form is valid, whatever the matter|Whoever grants both premises must grant it]. ",
    );
}

/// What an observation refutes.
fn observation(page: &mut Page) {
    let Conditional {
        first,
        second,
        not_first,
        ..
    } = page.dice.pick(CONDITIONALS);
    page.label(Labels::SCIENCE);
    page.tell(&format!(
        "[A hypothesis|{{p}}'s hypothesis]: if {second}, then {first}. [One counterexample|A single contrary case] would refute it[: {second}, and yet {not_first}|]. [The converse|That if {first} then {second}] [is another claim|needs another test]. "
    ));
}

/// From many cases to the next.
fn induction(page: &mut Page) {
    let seen = page.dice.between(3, 900);
    page.label(Labels::SCIENCE);
    page.tell(&format!(
        "[So far|Until now] {seen} [trials|mornings|observations] [agreed with the rule|went the same way]. Does it follow that the next one will? Not by logic alone: the premises speak of {seen} cases, the conclusion of "
    ));
    page.write(format_args!("case {}. ", seen + 1));
    if page.dice.chance(1, 4) {
        page.tell(
            "[And yet|Still] {p} expects that {stuff a} {floats a} tomorrow, as it does today. ",
        );
    }
}
