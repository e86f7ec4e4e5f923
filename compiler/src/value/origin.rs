//! Where a value comes from, so that it can be amended.

use std::rc::Rc;

use vpc_grammar::tree::Block;

use super::Value;
use crate::modules::ModuleId;

/// The block that made a value and what its names meant there.
///
/// All origins are equal: two values are the same when what they say is.
#[derive(Debug, Clone)]
pub(crate) struct Origin {
    pub(crate) block: Rc<Block>,
    pub(crate) module: ModuleId,
    pub(crate) locals: Vec<(String, Value)>,
}

impl PartialEq for Origin {
    fn eq(&self, _: &Self) -> bool {
        true
    }
}

impl Eq for Origin {}
