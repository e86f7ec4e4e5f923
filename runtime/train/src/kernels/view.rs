//! Strided matrix views over slices: what a matrix product reads and writes.
#![expect(
    unsafe_code,
    reason = "raw strided access, checked where a view is made"
)]

use std::marker::PhantomData;
use std::ops::Range;

/// Start, shape and strides (in elements) of a matrix inside a slice.
#[derive(Clone, Copy)]
pub(crate) struct Extent {
    pub(crate) rows: usize,
    pub(crate) columns: usize,
    pub(crate) row_step: usize,
    pub(crate) column_step: usize,
}

impl Extent {
    fn of(len: usize, columns: usize) -> Self {
        assert!(
            columns > 0 && len.is_multiple_of(columns),
            "{len} values in rows of {columns}"
        );
        Self {
            rows: len / columns,
            columns,
            row_step: columns,
            column_step: 1,
        }
    }

    fn transposed(self) -> Self {
        Self {
            rows: self.columns,
            columns: self.rows,
            row_step: self.column_step,
            column_step: self.row_step,
        }
    }

    fn block(self, rows: &Range<usize>, columns: &Range<usize>) -> (usize, Self) {
        assert!(
            rows.start <= rows.end && rows.end <= self.rows,
            "rows outside the matrix"
        );
        assert!(
            columns.start <= columns.end && columns.end <= self.columns,
            "columns outside"
        );
        let offset = rows.start * self.row_step + columns.start * self.column_step;
        (
            offset,
            Self {
                rows: rows.len(),
                columns: columns.len(),
                ..self
            },
        )
    }

    /// Offset of row `index`, whose elements must lie side by side.
    fn row(self, index: usize) -> usize {
        assert!(
            index < self.rows && self.column_step == 1,
            "row {index} is not a slice"
        );
        index * self.row_step
    }
}

/// A matrix to read.
#[derive(Clone, Copy)]
pub(crate) struct View<'a> {
    start: *const f32,
    extent: Extent,
    life: PhantomData<&'a [f32]>,
}

// SAFETY: a view only reads, like the `&[f32]` it was made from.
unsafe impl Send for View<'_> {}
// SAFETY: as above.
unsafe impl Sync for View<'_> {}

impl<'a> View<'a> {
    /// The whole of `data` in rows of `columns`.
    pub(crate) fn new(data: &'a [f32], columns: usize) -> Self {
        let extent = Extent::of(data.len(), columns);
        Self {
            start: data.as_ptr(),
            extent,
            life: PhantomData,
        }
    }

    pub(crate) fn transposed(self) -> Self {
        Self {
            extent: self.extent.transposed(),
            ..self
        }
    }

    /// The part of the matrix in `rows` and `columns`.
    pub(crate) fn block(self, rows: Range<usize>, columns: Range<usize>) -> Self {
        let (offset, extent) = self.extent.block(&rows, &columns);
        Self {
            start: self.start.wrapping_add(offset),
            extent,
            life: PhantomData,
        }
    }

    /// Row `index` as a slice.
    pub(crate) fn row(self, index: usize) -> &'a [f32] {
        let offset = self.extent.row(index);
        // SAFETY: `Extent` checked the row and its length against the slice this view came from.
        unsafe { std::slice::from_raw_parts(self.start.add(offset), self.extent.columns) }
    }

    pub(crate) fn extent(self) -> Extent {
        self.extent
    }

    pub(crate) fn start(self) -> *const f32 {
        self.start
    }
}

/// A matrix to write.
pub(crate) struct ViewMut<'a> {
    start: *mut f32,
    extent: Extent,
    life: PhantomData<&'a mut [f32]>,
}

impl<'a> ViewMut<'a> {
    /// The whole of `data` in rows of `columns`.
    pub(crate) fn new(data: &'a mut [f32], columns: usize) -> Self {
        let extent = Extent::of(data.len(), columns);
        Self {
            start: data.as_mut_ptr(),
            extent,
            life: PhantomData,
        }
    }

    pub(crate) fn extent(&self) -> Extent {
        self.extent
    }

    pub(crate) fn start(&mut self) -> *mut f32 {
        self.start
    }
}

/// A matrix whose disjoint blocks several threads write.
pub(crate) struct Shared<'a> {
    start: *mut f32,
    extent: Extent,
    life: PhantomData<&'a mut [f32]>,
}

// SAFETY: blocks are handed out by an unsafe function whose caller keeps them disjoint.
unsafe impl Sync for Shared<'_> {}

impl<'a> Shared<'a> {
    /// The whole of `data` in rows of `columns`.
    pub(crate) fn new(data: &'a mut [f32], columns: usize) -> Self {
        let extent = Extent::of(data.len(), columns);
        Self {
            start: data.as_mut_ptr(),
            extent,
            life: PhantomData,
        }
    }

    /// The block in `rows` and `columns`, to write.
    ///
    /// # Safety
    /// No other live block may overlap this one.
    pub(crate) unsafe fn block(&self, rows: Range<usize>, columns: Range<usize>) -> ViewMut<'a> {
        let (offset, extent) = self.extent.block(&rows, &columns);
        ViewMut {
            start: self.start.wrapping_add(offset),
            extent,
            life: PhantomData,
        }
    }
}
