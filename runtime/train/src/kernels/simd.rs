//! Run-time choice of the vector instruction set, so that no compiler flag is needed.
#![expect(
    unsafe_code,
    reason = "entering a function compiled for detected CPU features"
)]

/// Runs `body` compiled for the widest vector instructions this CPU has.
///
/// `body` and what it calls must be `#[inline(always)]`, else they keep the baseline instructions.
/// Every arm gives the same bits: lanes and fused multiply-adds are written out, never inferred.
#[inline(always)]
pub(crate) fn simd<R>(body: impl FnOnce() -> R) -> R {
    #[cfg(target_arch = "x86_64")]
    {
        if has_avx512() {
            // SAFETY: every feature the function is compiled for was detected just above.
            return unsafe { with_avx512(body) };
        }
        if std::is_x86_feature_detected!("avx2") && std::is_x86_feature_detected!("fma") {
            // SAFETY: every feature the function is compiled for was detected just above.
            return unsafe { with_avx2(body) };
        }
    }
    body()
}

/// Whether this CPU has the 512-bit instructions that kernels are compiled for.
#[cfg(target_arch = "x86_64")]
#[inline(always)]
pub(crate) fn has_avx512() -> bool {
    std::is_x86_feature_detected!("avx512f")
        && std::is_x86_feature_detected!("avx512vl")
        && std::is_x86_feature_detected!("avx512dq")
        && std::is_x86_feature_detected!("avx512bw")
        && std::is_x86_feature_detected!("fma")
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx512f,avx512vl,avx512dq,avx512bw,avx2,fma")]
fn with_avx512<R>(body: impl FnOnce() -> R) -> R {
    body()
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2,fma")]
fn with_avx2<R>(body: impl FnOnce() -> R) -> R {
    body()
}
