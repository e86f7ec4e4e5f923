//! Computer science style: data structures and algorithms in prose, with traces that they really leave.

mod structures;

use crate::shares::gcd;
use crate::world::labels::Labels;
use crate::world::page::Page;
use crate::world::prose::joined;

const INSERTION: &[&str] = &[
    "Insertion sort [keeps|maintains] a sorted prefix. [In each pass|At every step] the next element moves left until [no larger one precedes it|its predecessor is not larger]. ",
    "[Like a player ordering cards|One element at a time], insertion sort [grows|extends] the sorted part of the sequence. ",
];

const SEARCH: &[&str] = &[
    "Binary search [halves|cuts in half] the interval that may contain the target. [It requires sorted input.|The sequence must be sorted.] ",
    "[To find|When looking for] a value in a sorted sequence, compare it with the middle and [discard|drop] the half that cannot contain it. ",
];

const SYSTEMS: &[&str] = &[
    "[Operating systems|Kernels] [isolate|separate] processes, [so that|which means that] a fault in one [does not reach|cannot corrupt] another. ",
    "[Protocols|Layers] [agree on|fix] formats, [not on|but not] implementations[; that is why networks grow|]. ",
    "[Version control|A review] [records|catches] what [memory|testing] [forgets|misses], says {p}. ",
    "[Compilers|Early compilers] were [written by hand|distrusted]; {p} and {q} [changed|doubted] that in [a report|a lecture]. ",
    "[A cache|Redundancy] [trades|exchanges] memory for [time|safety]. ",
    "[Users|Operators] [blame|trust] the interface; [designers|engineers] [should listen|seldom see it]. ",
    "[Databases|Transactions] [promise|guarantee] that either all changes [take effect|are kept] or none[, even after a crash|]. ",
    "[Encryption|A signature] [protects|covers] the message, not [its length|the hour at which it was sent]. ",
];

const BOUNDS: &[&str] = &[
    "[Its worst case is|The running time is] quadratic in the length[ of the input|]. ",
    "[The memory needed is constant|No second array is needed]. ",
    "[Correctness follows from|The proof uses] an invariant that holds before [every iteration|each pass]. ",
    "[Termination is clear|The procedure terminates], since the remaining part shrinks [by at least one|each time]. ",
];

/// Writes one section of a textbook.
pub(crate) fn write(page: &mut Page) {
    let chapter = page.dice.between(1, 40);
    for number in 1..=page.dice.between(2, 5) {
        let section = format!("{chapter}.{number} ");
        page.put(&section);
        match page.dice.below(12) {
            0 => insertion_sort(page),
            1 => binary_search(page),
            2 => structures::stack(page),
            3 => structures::queue(page),
            4 => structures::hash_table(page),
            5 => complexity(page),
            6 => euclid(page),
            7 => structures::records(page),
            8 => structures::dictionary(page),
            9 | 10 => systems(page),
            _ => measured(page),
        }
        page.end("\n\n");
        page.new_scene(4);
    }
}

fn head(page: &mut Page, name: &str) {
    page.label(Labels::CODE);
    page.write(format_args!("{name}. "));
}

fn numbers(page: &mut Page, count: usize, last: i64) -> Vec<i64> {
    let mut numbers: Vec<i64> = Vec::with_capacity(count);
    while numbers.len() < count {
        let number = page.dice.between(1, last);
        if !numbers.contains(&number) {
            numbers.push(number);
        }
    }
    numbers
}

fn insertion_sort(page: &mut Page) {
    head(page, "Insertion sort");
    page.one_of(INSERTION);
    let count = page.dice.between(4, 6) as usize;
    let mut values = numbers(page, count, 99);
    page.write(format_args!("Input: {}. ", joined(&values, " ")));
    let mut shifts = 0;
    for place in 1..values.len() {
        let mut at = place;
        while at > 0 && values[at - 1] > values[at] {
            values.swap(at - 1, at);
            (at, shifts) = (at - 1, shifts + 1);
        }
        page.write(format_args!("Pass {place}: {}. ", joined(&values, " ")));
    }
    page.write(format_args!(
        "Output: {}, after {shifts} exchanges. ",
        joined(&values, " ")
    ));
    page.one_of(BOUNDS);
}

fn binary_search(page: &mut Page) {
    head(page, "Binary search");
    page.one_of(SEARCH);
    let mut values = numbers(page, 7, 90);
    values.sort_unstable();
    let target = if page.dice.chance(3, 4) {
        *page.dice.pick(&values)
    } else {
        page.dice.between(1, 90)
    };
    page.write(format_args!(
        "Sequence, positions from 0: {}. Target: {target}. ",
        joined(&values, " ")
    ));
    let (mut low, mut high) = (0, values.len());
    while low < high {
        let middle = usize::midpoint(low, high);
        let value = values[middle];
        page.write(format_args!("Probe position {middle}, value {value}: "));
        if value == target {
            page.put("found. ");
            return;
        }
        if value < target {
            (low, high) = (middle + 1, high);
            page.put("too small, go right. ");
        } else {
            high = middle;
            page.put("too large, go left. ");
        }
    }
    page.put("The interval is empty: not found. ");
}

fn complexity(page: &mut Page) {
    head(page, "Counting operations");
    page.label(Labels::MATH | Labels::SCIENCE);
    let n = page.dice.between(3, 40);
    page.tell("[Analysis|Model]: [comparing every pair|a loop nested in a loop over later elements] takes n * (n - 1) / 2 [comparisons|steps]. ");
    page.write(format_args!(
        "With {n} elements: {n} * ({n} - 1) / 2 = {}. Doubling to {} gives {} * ({} - 1) / 2 = {}. ",
        n * (n - 1) / 2,
        2 * n,
        2 * n,
        2 * n,
        n * (2 * n - 1)
    ));
    page.tell("[The prediction agrees with the counter in the loop|Measured times should grow about fourfold; this can be tested]. ");
}

fn euclid(page: &mut Page) {
    head(page, "Euclid's algorithm");
    page.label(Labels::MATH);
    let times = page.dice.between(1, 15);
    let [mut a, mut b] = [0; 2].map(|_| page.dice.between(2, 30) * times);
    page.tell("[The pair is replaced by the smaller number and the remainder|Replace (a, b) by (b, a % b)] until the remainder is zero. ");
    page.write(format_args!("Start: {a} and {b}. "));
    let expected = gcd(a.unsigned_abs(), b.unsigned_abs());
    while b != 0 {
        page.write(format_args!("{a} % {b} = {}. ", a % b));
        (a, b) = (b, a % b);
    }
    page.write(format_args!("The greatest common divisor is {expected}. "));
}

fn systems(page: &mut Page) {
    page.new_people();
    page.put("Systems. ");
    page.several_of(SYSTEMS, 2);
}

/// Times measured in two configurations, and what they say about a conjecture.
fn measured(page: &mut Page) {
    let times = [0; 2].map(|_| page.dice.between(2, 60));
    let [before, after] = times.map(|time| time * 10);
    page.label(Labels::SCIENCE);
    page.tell("Measurement. [Conjecture|Hypothesis]: [a cache|batching|a second core|compression] shortens the response. ");
    page.write(format_args!("Without it {before} ms, with it {after} ms: "));
    page.tell(if after < before {
        "[the conjecture is supported|in agreement with the conjecture][ by this load|]. "
    } else {
        "[the conjecture is not supported|in conflict with the conjecture][ under this load|]. "
    });
    page.one_of(SYSTEMS);
}
