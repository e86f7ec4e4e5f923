//! Large pages for what a plan is made of.
#![expect(
    unsafe_code,
    reason = "one setting of the C library's allocator, and advice to the kernel"
)]

/// Asks the kernel for large pages where small objects are put.
///
/// A plan is millions of small objects, and a fifth of the time it takes went into pages of 4 KiB
/// used for the first time. To be called once, at the beginning; does nothing with other C libraries
/// than glibc, where the kernel gives no large pages, and where address space is limited, which is
/// taken in larger steps. Not for training: large objects then go back to the system each time.
pub(crate) fn large_pages() {
    #[cfg(all(target_os = "linux", target_env = "gnu"))]
    if [libc::RLIMIT_AS, libc::RLIMIT_DATA]
        .into_iter()
        .all(is_unlimited)
    {
        heap();
    }
}

#[cfg(all(target_os = "linux", target_env = "gnu"))]
fn is_unlimited(resource: libc::__rlimit_resource_t) -> bool {
    let mut limit = libc::rlimit {
        rlim_cur: 0,
        rlim_max: 0,
    };
    // SAFETY: writes the limit where it is told to.
    let told = unsafe { libc::getrlimit(resource, &raw mut limit) };
    told == 0 && limit.rlim_cur == libc::RLIM_INFINITY
}

#[cfg(all(target_os = "linux", target_env = "gnu"))]
fn heap() {
    /// How much address space the heap takes at a time, in bytes. Memory is used only as it is needed.
    const STEP: libc::c_int = 64 << 20;
    const SMALL_PAGE: usize = 4096;
    // SAFETY: `mallopt` sets a number of the allocator, and freeing what `malloc` gave is sound. The
    // range that is advised on lies between an address of the heap and its end; advice changes
    // neither what memory holds nor who may use it, and is refused where it does not fit.
    unsafe {
        let end = |at: *mut libc::c_void| at as usize;
        let before = end(libc::sbrk(0)).next_multiple_of(SMALL_PAGE);
        libc::mallopt(libc::M_TOP_PAD, STEP);
        // Together more than the heap begins with, so that it grows; unseen, they would be left out.
        let rooms = [libc::malloc(100 << 10), libc::malloc(100 << 10)].map(std::hint::black_box);
        for room in rooms {
            libc::free(room);
        }
        let after = end(libc::sbrk(0)) / SMALL_PAGE * SMALL_PAGE;
        if let Some(length) = after.checked_sub(before).filter(|length| *length > 0) {
            let start = std::ptr::with_exposed_provenance_mut(before);
            libc::madvise(start, length, libc::MADV_HUGEPAGE);
        }
    }
}
