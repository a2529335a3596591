//! A thread with a deep stack: parsing, compiling, rendering and dropping nested structures are recursive.

/// The stack in bytes. Memory is used as far as a stack grows. Nesting is limited by [`super::source`]; a debug build
/// needs about a quarter of this at the limits.
const STACK_BYTES: usize = 64 << 20;

/// Runs `work` on a thread of its own and waits for it. `None` when no thread can be started, or `work` panics.
pub fn on_deep_stack<T: Send>(work: impl FnOnce() -> T + Send) -> Option<T> {
    std::thread::scope(|scope| {
        let thread = std::thread::Builder::new().name("template".to_owned()).stack_size(STACK_BYTES);
        thread.spawn_scoped(scope, work).ok()?.join().ok()
    })
}
