//! Which trainings share the GPUs of this machine at a time, by the engine's own rule.

use crate::gpu::Gpus;

/// GPUs, each with how many trainings may be there beside each of those that are.
#[derive(Debug)]
pub(crate) struct Lots(Vec<Vec<u64>>);

impl Lots {
    /// All of a machine's, empty.
    pub(crate) fn of(gpus: Option<&Gpus>) -> Self {
        let count = gpus.map_or(0, |gpus| gpus.count);
        Self((0..count).map(|_| Vec::new()).collect())
    }

    /// A place for a training of which so many may share a GPU: on the one with the fewest trainings, none
    /// of which minds another one. None where it has to wait.
    pub(crate) fn lend(&mut self, most: u64) -> Option<usize> {
        let least = |lot: &[u64]| lot.iter().copied().fold(most, u64::min);
        let lots = self.0.iter_mut().enumerate();
        let with_room = lots.filter(|(_, lot)| (lot.len() as u64) < least(lot).max(1));
        let (index, lot) = with_room.min_by_key(|(_, lot)| lot.len())?;
        lot.push(most);
        Some(index)
    }

    /// Takes back what [`Lots::lend`] lent.
    pub(crate) fn give_back(&mut self, index: usize, most: u64) {
        let Some(lot) = self.0.get_mut(index) else {
            return;
        };
        if let Some(at) = lot.iter().position(|one| *one == most) {
            lot.swap_remove(at);
        }
    }

    /// Trainings on all of them.
    pub(crate) fn trainings(&self) -> usize {
        self.0.iter().map(Vec::len).sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::gpu::GpuSpeeds;

    fn two() -> Lots {
        Lots::of(Some(&Gpus {
            name: "made up".to_owned(),
            count: 2,
            bytes: 1 << 30,
            speeds: GpuSpeeds {
                at: 0,
                f32: Vec::new(),
                bf16: Vec::new(),
            },
        }))
    }

    #[test]
    fn trainings_share_as_all_of_them_allow() {
        let mut lots = two();
        // Two that share with one other go to a GPU each, then the second pair.
        assert_eq!(
            [2, 2, 2, 2].map(|most| lots.lend(most)),
            [0, 1, 0, 1].map(Some)
        );
        assert_eq!(lots.lend(8), None);
        lots.give_back(1, 2);
        // One that is alone waits for an empty GPU.
        assert_eq!(lots.lend(1), None);
        lots.give_back(1, 2);
        assert_eq!(lots.lend(1), Some(1));
        assert_eq!(lots.lend(8), None);
        assert_eq!(lots.trainings(), 3);
    }

    #[test]
    fn without_gpus_there_is_no_place() {
        assert_eq!(Lots::of(None).lend(8), None);
    }
}
