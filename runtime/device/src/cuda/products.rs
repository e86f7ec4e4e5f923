//! Matrix products by cuBLASLt: each shape is planned once.
#![allow(unsafe_code, reason = "calls cuBLASLt")]

use std::collections::BTreeMap;
use std::ffi::c_void;
use std::mem::size_of;

use cudarc::cublaslt::{result, sys};
use cudarc::driver::sys::{CUdeviceptr, CUstream};

use crate::DeviceError;
use crate::program::{Kind, Span};

/// Room for cuBLASLt to work in: what NVIDIA recommends for Hopper.
pub(super) const WORKSPACE: usize = 32 << 20;

/// The shape of a product, as [`crate::program::Command::Gemm`] has it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "five choices that do not depend on each other"
)]
struct Shape {
    m: usize,
    n: usize,
    k: usize,
    a_transposed: bool,
    b_transposed: bool,
    bf16: bool,
    out_bf16: bool,
    plus: bool,
}

/// What cuBLASLt knows of a shape.
struct Plan {
    how: sys::cublasLtMatmulDesc_t,
    layouts: [sys::cublasLtMatrixLayout_t; 3],
    algorithm: sys::cublasLtMatmulAlgo_t,
}

/// The library, and plans.
pub(super) struct Products {
    handle: sys::cublasLtHandle_t,
    plans: BTreeMap<Shape, Plan>,
}

// SAFETY: the library's handles are no thread's own; they are used by one thread at a time, through `&mut`.
unsafe impl Send for Products {}

fn failed(doing: &'static str) -> impl Fn(result::CublasError) -> DeviceError {
    move |error| DeviceError::Call {
        library: "cuBLASLt",
        doing,
        problem: error.to_string(),
    }
}

/// A product's factors and result, as [`crate::program::Command::Gemm`] has them.
#[derive(Clone, Copy, Debug)]
pub struct Product {
    /// `[m, n]`.
    pub out: Span,
    /// First factor.
    pub a: Span,
    /// Second factor.
    pub b: Span,
    /// Rows of the result.
    pub m: usize,
    /// Columns of the result.
    pub n: usize,
    /// Inner dimension.
    pub k: usize,
    /// Whether `a` lies transposed.
    pub a_transposed: bool,
    /// Whether `b` lies transposed.
    pub b_transposed: bool,
    /// Added to the product; may be `out` itself.
    pub plus: Option<Span>,
}

impl Products {
    pub(super) fn new() -> Result<Self, DeviceError> {
        Ok(Self {
            handle: result::create_handle().map_err(failed("start"))?,
            plans: BTreeMap::new(),
        })
    }

    /// Enqueues a product; `at` gives the address of a span, `workspace` that of [`WORKSPACE`] bytes.
    ///
    /// # Safety
    /// All addresses must be those of memory of the stream's device, large enough for the shape, and
    /// stay so until the stream is done.
    pub(super) unsafe fn enqueue(
        &mut self,
        product: &Product,
        at: impl Fn(Span) -> CUdeviceptr,
        workspace: CUdeviceptr,
        stream: CUstream,
    ) -> Result<(), DeviceError> {
        let shape = Shape {
            m: product.m,
            n: product.n,
            k: product.k,
            a_transposed: product.a_transposed,
            b_transposed: product.b_transposed,
            bf16: product.a.kind == Kind::Bf16,
            out_bf16: product.out.kind == Kind::Bf16,
            plus: product.plus.is_some(),
        };
        if !self.plans.contains_key(&shape) {
            let plan = Plan::of(self.handle, shape)?;
            self.plans.insert(shape, plan);
        }
        let Some(plan) = self.plans.get(&shape) else {
            return Err(DeviceError::Unsupported(format!(
                "a product of shape {shape:?}"
            )));
        };
        let (one, beta) = (1.0_f32, if shape.plus { 1.0_f32 } else { 0.0 });
        let out = at(product.out) as *mut c_void;
        let plus = product.plus.map_or(out, |plus| at(plus) as *mut c_void);
        // SAFETY: the plan fits the shape; the caller answers for addresses. Row-major matrices are
        // column-major ones transposed, so the factors change places.
        unsafe {
            result::matmul(
                self.handle,
                plan.how,
                (&raw const one).cast(),
                (&raw const beta).cast(),
                at(product.b) as *const c_void,
                plan.layouts[0],
                at(product.a) as *const c_void,
                plan.layouts[1],
                plus,
                plan.layouts[2],
                out,
                plan.layouts[2],
                &raw const plan.algorithm,
                workspace as *mut c_void,
                WORKSPACE,
                stream.cast(),
            )
        }
        .map_err(failed("multiply matrices"))
    }
}

impl Plan {
    fn of(handle: sys::cublasLtHandle_t, shape: Shape) -> Result<Self, DeviceError> {
        let (m, n, k) = (shape.m as u64, shape.n as u64, shape.k as u64);
        let kind = |bf16: bool| {
            if bf16 {
                sys::cudaDataType::CUDA_R_16BF
            } else {
                sys::cudaDataType::CUDA_R_32F
            }
        };
        let plan = failed("plan a product");
        let how = result::create_matmul_desc(
            sys::cublasComputeType_t::CUBLAS_COMPUTE_32F,
            sys::cudaDataType::CUDA_R_32F,
        )
        .map_err(&plan)?;
        // As column-major matrices: outᵀ [n, m] = op(b)ᵀ·op(a)ᵀ.
        let layout = |kind, rows: u64, columns: u64| {
            result::create_matrix_layout(kind, rows, columns, rows.cast_signed()).map_err(&plan)
        };
        let b = if shape.b_transposed { (k, n) } else { (n, k) };
        let a = if shape.a_transposed { (m, k) } else { (k, m) };
        let layouts = [
            layout(kind(shape.bf16), b.0, b.1)?,
            layout(kind(shape.bf16), a.0, a.1)?,
            layout(kind(shape.out_bf16), n, m)?,
        ];
        // CUBLAS_OP_N and CUBLAS_OP_T, of a header that has no bindings here.
        let turned = i32::from;
        let sides = [
            (
                sys::cublasLtMatmulDescAttributes_t::CUBLASLT_MATMUL_DESC_TRANSA,
                turned(shape.b_transposed),
            ),
            (
                sys::cublasLtMatmulDescAttributes_t::CUBLASLT_MATMUL_DESC_TRANSB,
                turned(shape.a_transposed),
            ),
        ];
        let workspace = WORKSPACE;
        // SAFETY: attributes are set from values of their size; all objects were made above.
        let found = unsafe {
            for (which, turned) in sides {
                let value = (&raw const turned).cast();
                result::set_matmul_desc_attribute(how, which, value, size_of_val(&turned))
                    .map_err(&plan)?;
            }
            let preference = result::create_matmul_pref().map_err(&plan)?;
            result::set_matmul_pref_attribute(
                preference,
                sys::cublasLtMatmulPreferenceAttributes_t::CUBLASLT_MATMUL_PREF_MAX_WORKSPACE_BYTES,
                (&raw const workspace).cast(),
                size_of::<usize>(),
            )
            .map_err(&plan)?;
            let [left, right, out] = layouts;
            let found =
                result::get_matmul_algo_heuristic(handle, how, left, right, out, out, preference);
            _ = result::destroy_matmul_pref(preference);
            found
        };
        let algorithm = found.map_err(&plan)?.algo;
        Ok(Self {
            how,
            layouts,
            algorithm,
        })
    }
}

impl Drop for Products {
    fn drop(&mut self) {
        // SAFETY: each was made once, and nothing uses it after this.
        unsafe {
            for plan in self.plans.values() {
                _ = result::destroy_matmul_desc(plan.how);
                for layout in plan.layouts {
                    _ = result::destroy_matrix_layout(layout);
                }
            }
            _ = result::destroy_handle(self.handle);
        }
    }
}
