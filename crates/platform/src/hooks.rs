//! Hooks: how a lower layer calls a higher one without depending on it.
//!
//! The lower layer declares a trait; each layer above registers an implementation when the program is assembled. Hooks run
//! inside the caller's transaction, so what they do commits or rolls back together with it.

use std::any::{Any, TypeId};
use std::collections::HashMap;
use std::sync::Arc;

/// The registered implementations of every hook trait.
#[derive(Default)]
pub struct Hooks {
    /// By the hook's trait: a `Vec<Arc<dyn Trait>>`, in order of registration.
    by_trait: HashMap<TypeId, Box<dyn Any + Send + Sync>>,
}

impl Hooks {
    /// Adds an implementation of the hook trait `H`, for example `hooks.register::<dyn AccountHooks>(Arc::new(…))`.
    pub fn register<H: ?Sized + Send + Sync + 'static>(&mut self, hook: Arc<H>) {
        let entry = self.by_trait.entry(TypeId::of::<H>()).or_insert_with(|| Box::new(Vec::<Arc<H>>::new()));
        if let Some(hooks) = entry.downcast_mut::<Vec<Arc<H>>>() {
            hooks.push(hook);
        }
    }

    /// The implementations of the hook trait `H`, in order of registration.
    pub fn all<H: ?Sized + Send + Sync + 'static>(&self) -> &[Arc<H>] {
        let hooks = self.by_trait.get(&TypeId::of::<H>()).and_then(|hooks| hooks.downcast_ref::<Vec<Arc<H>>>());
        hooks.map_or(&[], Vec::as_slice)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    trait Greeting: Send + Sync {
        fn text(&self) -> &'static str;
    }

    struct English;
    struct German;

    impl Greeting for English {
        fn text(&self) -> &'static str {
            "hello"
        }
    }

    impl Greeting for German {
        fn text(&self) -> &'static str {
            "hallo"
        }
    }

    #[test]
    fn hooks_run_in_order_of_registration() {
        let mut hooks = Hooks::default();
        assert!(hooks.all::<dyn Greeting>().is_empty());
        hooks.register::<dyn Greeting>(Arc::new(English));
        hooks.register::<dyn Greeting>(Arc::new(German));
        let texts: Vec<_> = hooks.all::<dyn Greeting>().iter().map(|hook| hook.text()).collect();
        assert_eq!(texts, ["hello", "hallo"]);
    }
}
