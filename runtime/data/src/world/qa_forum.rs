//! Question-and-answer forum style: a question, answers in the order of their votes, quotes and comments.

use crate::shares::gcd;
use crate::world::labels::Labels;
use crate::world::page::Page;
use crate::world::prose::Share;

/// A question that needs no picture and no reckoning, and answers to it.
struct Everyday {
    title: &'static str,
    question: &'static str,
    answers: &'static [&'static str],
}

#[rustfmt::skip] // questions beside their answers
const EVERYDAY: &[Everyday] = &[
    Everyday { title: "How do I [cancel|return] an order after {n} days?", question: "The [shop|seller] [stopped replying|refuses] and the deadline is near. [What are my options?|What now?] ", answers: &["[Write|Send] a formal letter and [keep|save] a copy. ", "[Call|Ask] your bank about a [chargeback|refund]; [it worked for me|mine took {m} days]. ", "Check the [terms|receipt] first; [many sellers|most] allow {k} days. "] },
    Everyday { title: "[Visa|Bus ticket] with {n} days left, is it [valid|enough]?", question: "I [travel|leave] in {m} days and [the website|the office] [contradicts itself|is closed]. ", answers: &["[Ask|Mail] the consulate, not [strangers|a forum]. ", "I [crossed|travelled] with {k} days left and [nobody asked|had no trouble]. ", "[It depends|That depends] on the [country|carrier]; [read the small print|see the official page]. "] },
    Everyday { title: "My [manager|supervisor] [ignores|forgot] my request, what can I do?", question: "I [asked|wrote] {n} times. [Should I escalate?|Am I too impatient?] ", answers: &["[Put it in writing|Ask for a meeting] and [name a date|be polite]. ", "[No|Not yet]: [talk to|ask] a colleague first. ", "I [left|changed teams] after {m} months[ and never regretted it|]. "] },
    Everyday { title: "[Grammar|Usage]: [\"fewer\" or \"less\"|\"who\" or \"whom\"] [here|in this sentence]?", question: "[Spellcheck|My teacher] [underlines|corrects] it and I do not see why. ", answers: &["Both [occur|are attested]; the [first|second] is [formal|older]. ", "[Rule of thumb|In short]: [count it|try a pronoun] and you will know. ", "[A dictionary|A style guide] [settles|explains] that[, page {n}|]. "] },
    Everyday { title: "[Password|Account] locked after {n} attempts", question: "The [reset mail|code] never arrives. [Tried everything|Spam folder checked]. ", answers: &["[Wait|Give it] {m} minutes; [limits expire|it unlocks itself]. ", "[Clear the cache|Try another browser], then [log in|request it] again. ", "[Support|The helpdesk] [answered|fixed mine] within {k} hours. "] },
    Everyday { title: "Learning a language in {n} weeks, [realistic|possible]?", question: "[Work|Love] [sends|takes] me abroad and I [know|speak] [nothing|a little]. ", answers: &["[Basics, yes|Small talk, maybe]; fluency, no. ", "[Speak|Practise] daily with [a tandem partner|{p}]. ", "I needed {m} months[, but I was lazy|]. "] },
    Everyday { title: "[Neighbour|Flatmate] [sings|practises] at night - [advice|help]?", question: "[Talking|A note] did not help; it has been {n} weeks. ", answers: &["[Mediation|A calm talk] [works|helps] more often than [threats|complaints]. ", "[Earplugs|Patience]. [Sorry|Seriously]. ", "[Keep a log|Write dates down] for {m} days, then [inform|call] the landlord. "] },
];

const COMMENTS: &[&str] = &[
    "Comment by {p}: [thanks, that solved it|please accept an answer|duplicate?|can you clarify?]\n",
    "Comment by {q}: [+1|agreed|I disagree politely|source?], [see answer 1|see answer 2|edited for clarity|upvoted].\n",
    "Comment by {p}: [welcome to the site|interesting question]; [please add details|take the tour].\n",
];

/// Writes one thread.
pub(crate) fn write(page: &mut Page) {
    roll(page);
    match page.dice.below(20) {
        0..2 => place(page),
        2 => purpose(page),
        3..5 => floats(page),
        5..7 => share(page),
        7..10 => program(page),
        10 => divisor(page),
        _ => everyday(page),
    }
    if page.dice.chance(2, 3) {
        for _ in 0..page.dice.between(1, 3) {
            page.new_people();
            page.one_of(COMMENTS);
        }
        page.end("\n");
    }
}

fn roll(page: &mut Page) {
    page.numbers = [0; 4].map(|_| page.dice.between(2, 60));
    page.new_people();
}

/// A thread: its title, its question, and answers by falling votes, which may quote the question.
fn thread(page: &mut Page, labels: Labels, title: &str, question: &str, answers: &[&'static str]) {
    page.put("Q: ");
    page.tell(title);
    page.end("\n");
    let votes = page.dice.between(0, 40);
    page.write(format_args!("Votes: {votes}, asked by "));
    page.tell("{p}, {t} views");
    page.end("\n\n");
    page.tell(question);
    let (quote, quoted) = page.opened();
    page.end("\n\n");
    let (mut votes, asker) = (page.dice.between(20, 90), page.people[0]);
    let mut order = answers.to_vec();
    page.dice.shuffle(&mut order);
    for (number, template) in (1..).zip(order) {
        page.new_people();
        page.label(labels);
        page.tell(&format!("A{number} (votes: {votes}, by {{q}}):"));
        if page.dice.chance(1, 3) {
            page.label(quoted);
            page.write(format_args!("\n> {}\n", quote.trim_end()));
        } else {
            page.put(" ");
        }
        page.people[0] = asker;
        page.tell(template);
        page.end("\n\n");
        votes -= page.dice.between(1, 9);
    }
}

fn everyday(page: &mut Page) {
    let Everyday {
        title,
        question,
        answers,
    } = page.dice.pick(EVERYDAY);
    thread(page, Labels::NONE, title, question, answers);
}

/// Where something is in a picture.
fn place(page: &mut Page) {
    thread(
        page,
        Labels::NONE,
        "[Where|Does anyone see where] is the {kind a} in [picture|photo] {n}?",
        "[The picture was taken|It is a scene] {at}, with {an a}, {an b} and {an c}. [Where do I look?|I cannot find it.] ",
        &[
            "{^side a}, [look again|clearly]. ",
            "It is {rel ab} the {kind b}[, hope this helps|]. ",
            "[Find|Take] the {kind c} first: the {kind a} is {rel ac} it. ",
            "[The|It is the] {colour a} one, {size a}, [of|made of] {stuff a}. ",
        ],
    );
}

fn purpose(page: &mut Page) {
    thread(
        page,
        Labels::NONE,
        "What is {an-kind a} [good|used] for?",
        "[Inherited|Found] one {at}; it is {shape a} and has {an-part a}. ",
        &[
            "For {purpose a}[, what else|]. ",
            "It is {an-class a}, so [ask in that section|see the tag wiki]; [mainly|people use it] for {purpose a}. ",
            "Not for {purpose b}, that is what {an-kind b} is for. ",
        ],
    );
}

fn floats(page: &mut Page) {
    let density = page.scene.things[0].material.density;
    let title = "Why does {stuff a} [behave so|do that] in water? It {floats a}";
    page.label(Labels::SCIENCE);
    thread(
        page,
        Labels::SCIENCE,
        title,
        "[Did a test|Tried it] {n} times with [a solid piece|solid pieces], [same result|always the same]. ",
        &[
            "Compare densities: water has 1000 grams per litre. What has more sinks, what has less floats. ",
            "[Archimedes|Buoyancy]: the water pushed aside [weighs more or less than the piece|decides]. A solid piece {floats a}. ",
        ],
    );
    page.label(Labels::SCIENCE | Labels::MATH);
    let word = if density < 1000 { "less" } else { "more" };
    page.tell("Edit by {q}: for {stuff a} ");
    page.write(format_args!(
        "it is {density} grams per litre, {word} than water by "
    ));
    let (one, other) = (density.max(1000), density.min(1000));
    page.write(format_args!("{one} - {other} = {} grams. ", one - other));
    page.end("\n\n");
}

fn share(page: &mut Page) {
    let share = Share::new(&mut page.dice);
    page.label(Labels::MATH);
    thread(
        page,
        Labels::MATH,
        &format!("What per cent is {} of {}?", share.hits, share.group),
        "[Homework|For a report], and my calculator is [broken|at home]. ",
        &[
            "Multiply by 100, then divide by the whole. ",
            "[Divide|Work] [first|slowly], round [never|last]. ",
        ],
    );
    page.label(Labels::MATH);
    page.write(format_args!("Accepted: {}. ", share.shown()));
    page.end("\n\n");
}

/// A question about a small program, and what it really prints.
fn program(page: &mut Page) {
    let [first, step, count] = [1, 2, 3].map(|least| page.dice.between(least, least + 9));
    let last = first + (count - 1) * step;
    let total = count * (first + last) / 2;
    page.label(Labels::CODE);
    thread(
        page,
        Labels::CODE,
        &format!("[Loop|Off by one]: from {first} in steps of {step}, {count} times, prints what?"),
        "[My program|The script] adds the terms [in a loop|one by one] and I [expected|get] something else. ",
        &[
            "[Trace it|Use a debugger]: initialise the sum to zero, add the term, then advance. ",
            "[Check the bounds|Print the counter]; [an exclusive end|a strict comparison] drops the last term. ",
            "[Start the counter at zero|Do not modify the counter inside the body] and stop after the count. ",
        ],
    );
    page.label(Labels::CODE | Labels::MATH);
    page.write(format_args!(
        "Accepted: the last term is {first} + ({count} - 1) * {step} = {last}, and it prints {total}, since \
         {count} * ({first} + {last}) / 2 = {total}. "
    ));
    page.end("\n\n");
}

fn divisor(page: &mut Page) {
    let times = page.dice.between(2, 9);
    let [a, b] = [0; 2].map(|_| page.dice.between(2, 30) * times);
    let common = gcd(a.unsigned_abs(), b.unsigned_abs()).cast_signed();
    page.label(Labels::MATH);
    thread(
        page,
        Labels::MATH,
        &format!("Largest number that divides both {a} and {b}?"),
        "[Listing divisors|Trying them all] [takes forever|feels wrong]. ",
        &[
            "Use remainders: [Euclid|the old algorithm] never fails. ",
            "[Factor both|Write both as products] and take what they share. ",
        ],
    );
    page.label(Labels::MATH);
    page.write(format_args!(
        "Accepted: {common}, because {a} = {common} * {} and {b} = {common} * {}. ",
        a / common,
        b / common
    ));
    page.end("\n\n");
}
