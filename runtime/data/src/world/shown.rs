//! What the picture of an item shows, whatever its sort.

use crate::world::ask::content;
use crate::world::chart::Chart;
use crate::world::close_up::CloseUp;
use crate::world::item::ITEM_SIDE;
use crate::world::picture::{Rendering, render};
use crate::world::scene::Scene;
use crate::world::sign::Sign;

/// What a picture shows.
#[derive(Debug, Clone)]
pub(crate) enum Shown {
    /// Things in a place.
    Scene(Scene),
    /// A sign.
    Sign(Sign),
    /// A bar chart.
    Chart(Chart),
    /// A thing that covers a wanted share.
    CloseUp(CloseUp),
}

impl Shown {
    /// Everything that its picture shows.
    pub(crate) fn content(&self) -> String {
        match self {
            Shown::Scene(scene) => content(scene),
            Shown::Sign(sign) => sign.content(),
            Shown::Chart(chart) => chart.content(),
            Shown::CloseUp(close_up) => close_up.content(),
        }
    }

    /// Draws it, [`ITEM_SIDE`] pixels square.
    pub(crate) fn render(&self) -> Rendering {
        match self {
            Shown::Scene(scene) => render(scene, ITEM_SIDE),
            Shown::Sign(sign) => sign.render(),
            Shown::Chart(chart) => chart.render(),
            Shown::CloseUp(close_up) => close_up.drawn.clone(),
        }
    }
}
