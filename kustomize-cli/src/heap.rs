//! How memory is asked for.

/// Lets heaps grow in large steps.
///
/// glibc gives each thread but the first a heap that grows by a page at a time. Each time the kernel
/// is asked, and whatever other threads touch for the first time has to wait: a sixteenth of the
/// time that a large build takes. A large step costs addresses, but no memory until it is used.
pub(crate) fn grow_in_large_steps() {
    #[cfg(all(target_os = "linux", target_env = "gnu"))]
    {
        const STEP: libc::c_int = 4 << 20;
        #[allow(unsafe_code)]
        // SAFETY: changes two numbers of the allocator's. It may be called at any time.
        unsafe {
            libc::mallopt(libc::M_TOP_PAD, STEP);
            // What is larger than this stands apart from the heap. The allocator would find that
            // size out by itself, but not when told the other.
            libc::mallopt(libc::M_MMAP_THRESHOLD, STEP);
        }
    }
}
