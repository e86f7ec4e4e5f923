//! Bar charts: bars of different colours and lengths on a white ground with a grid, and what is asked about them.

use crate::world::ask::Asked;
use crate::world::canvas::{Canvas, Paint, paint_of};
use crate::world::dice::Dice;
use crate::world::item::ITEM_SIDE;
use crate::world::picture::Rendering;
use crate::world::words::{COLOURS, NUMBERS};

/// Units of the longest bar that there can be.
const UNITS: usize = 8;
/// How many bars there can be.
const BARS: [usize; 4] = [3, 4, 5, 6];
/// Pixels of a unit, of a bar across and from one bar to the next.
const UNIT: i64 = 10;
const BAR: i64 = 10;
const STEP: i64 = 14;
/// Pixels from the edge of the picture to the axis, and to the first bar that there can be.
const AXIS: i64 = 8;
const FIRST: i64 = 8;

const GROUND: Paint = [255, 255, 255];
const LINE: Paint = [208, 208, 208];
const AXIS_LINE: Paint = [64, 64, 64];

/// A bar of a chart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Bar {
    pub(crate) colour: &'static str,
    /// Length in units, from 1.
    pub(crate) units: usize,
}

/// A bar chart; no two bars have a colour or a length in common.
#[derive(Debug, Clone)]
pub(crate) struct Chart {
    pub(crate) bars: Vec<Bar>,
    /// Bars stand upright and grow upwards; otherwise they lie and grow to the right.
    upright: bool,
    /// Places left free before the first bar.
    skipped: usize,
}

/// What a chart is asked; the questions take turns.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ChartQuestion {
    Longest,
    Shortest,
    Count,
    Length,
}

impl ChartQuestion {
    pub(crate) const ALL: [ChartQuestion; 4] = [
        ChartQuestion::Longest,
        ChartQuestion::Shortest,
        ChartQuestion::Count,
        ChartQuestion::Length,
    ];

    /// How many answers it has.
    pub(crate) fn values(self) -> usize {
        match self {
            ChartQuestion::Longest | ChartQuestion::Shortest => colours().count(),
            ChartQuestion::Count => BARS.len(),
            ChartQuestion::Length => UNITS,
        }
    }
}

/// The colours of bars: all that differ from the ground.
fn colours() -> impl Iterator<Item = &'static str> {
    COLOURS.iter().copied().filter(|colour| *colour != "white")
}

/// A chart in which the answer is number `value`.
pub(crate) fn ask_chart(dice: &mut Dice, asks: ChartQuestion, value: usize) -> (Chart, Asked) {
    let count = match asks {
        ChartQuestion::Count => BARS[value],
        _ => *dice.pick(&BARS),
    };
    let mut colours: Vec<_> = colours().collect();
    let mut units: Vec<_> = (1..=UNITS).collect();
    // The first bar is the one that is asked about; bars come into an order of their own afterwards.
    let asked = match asks {
        ChartQuestion::Longest | ChartQuestion::Shortest => Some(colours.remove(value)),
        _ => None,
    };
    dice.shuffle(&mut colours);
    colours.splice(0..0, asked);
    let asked = match asks {
        ChartQuestion::Length => Some(units.remove(value)),
        _ => None,
    };
    dice.shuffle(&mut units);
    units.splice(0..0, asked);
    units.truncate(count);
    let end = match asks {
        ChartQuestion::Longest => units.iter().max(),
        ChartQuestion::Shortest => units.iter().min(),
        _ => None,
    };
    if let Some(at) = end.and_then(|end| units.iter().position(|units| units == end)) {
        units.swap(0, at);
    }
    let bar = |(&colour, &units)| Bar { colour, units };
    let mut bars: Vec<Bar> = colours.iter().zip(&units).map(bar).collect();
    let asked = put(asks, value, &colours, count);
    dice.shuffle(&mut bars);
    let chart = Chart {
        bars,
        upright: dice.chance(1, 2),
        skipped: dice.below(BARS[BARS.len() - 1] - count + 1),
    };
    (chart, asked)
}

/// The question with its answers; the chart's colours come first in `colours`, and the one asked about before all.
fn put(asks: ChartQuestion, value: usize, colours: &[&str], count: usize) -> Asked {
    let longest = match asks {
        ChartQuestion::Count => {
            let [first, .., last] = BARS;
            return Asked::among(
                "How many bars are there?".to_owned(),
                &NUMBERS[first..=last],
                value,
            );
        }
        ChartQuestion::Length => {
            let question = format!("How many units long is the {} bar?", colours[0]);
            return Asked::among(question, &NUMBERS[1..=UNITS], value);
        }
        ChartQuestion::Longest => "longest",
        ChartQuestion::Shortest => "shortest",
    };
    // Of three bars there are too few colours for four options; the fourth is in no bar.
    let named = &colours[..count.max(4)];
    let question = format!("Which colour has the {longest} bar?");
    Asked::among(question, named, 0)
}

impl Chart {
    /// Everything that its picture shows.
    pub(crate) fn content(&self) -> String {
        let bars: Vec<_> = self
            .bars
            .iter()
            .map(|bar| format!("{} {}", bar.colour, bar.units))
            .collect();
        let Self {
            upright, skipped, ..
        } = self;
        format!("chart {}: {upright} {skipped}", bars.join(", "))
    }

    /// Draws it; covered is what each bar covers.
    pub(crate) fn render(&self) -> Rendering {
        let mut canvas = Canvas::new(ITEM_SIDE, GROUND);
        let side = canvas.side();
        for unit in 0..=UNITS.cast_signed() as i64 {
            let line = if unit == 0 { AXIS_LINE } else { LINE };
            self.fill(&mut canvas, [AXIS + unit * UNIT, 1], [0, side], line);
        }
        let mut covered = Vec::with_capacity(self.bars.len());
        for (place, bar) in (self.skipped..).zip(&self.bars) {
            let length = bar.units.cast_signed() as i64 * UNIT;
            let across = FIRST + place.cast_signed() as i64 * STEP;
            self.fill(
                &mut canvas,
                [AXIS + 1, length],
                [across, BAR],
                paint_of(bar.colour),
            );
            covered.push((length * BAR) as usize);
        }
        Rendering {
            picture: canvas.picture(),
            covered,
        }
    }

    /// Paints a rectangle: where it begins and how far it goes, along the bars and across them.
    fn fill(
        &self,
        canvas: &mut Canvas,
        [begin, length]: [i64; 2],
        [first, wide]: [i64; 2],
        paint: Paint,
    ) {
        let side = canvas.side();
        if self.upright {
            canvas.fill(
                first..first + wide,
                side - begin - length..side - begin,
                paint,
            );
        } else {
            canvas.fill(begin..begin + length, first..first + wide, paint);
        }
    }
}
