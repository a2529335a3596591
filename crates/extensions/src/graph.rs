//! Search for loops in the graph of call groups and fallbacks.

use std::collections::HashMap;
use std::hash::Hash;

/// The most extensions that a search visits.
pub const MAX_VISITED: usize = 10_000;

/// More than [`MAX_VISITED`] extensions are reachable, so the search ended without a result.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[error("too many extensions ring each other")]
pub struct TooManyReached;

/// A breadth-first search for a shortest loop through one extension, with one query per level.
///
/// The caller loads the edges that leave [`Self::frontier`] and passes them to [`Self::follow`], until it returns a loop or the
/// frontier is empty. Edges of all kinds (group → member, extension → fallback) may be mixed. The stored graph has no loops,
/// so every loop of a new edge contains the start of the edge: search from there, with the new edge among those that leave it.
#[derive(Debug)]
pub struct LoopSearch<Id> {
    start: Id,
    /// The predecessor of each reached extension on a shortest path.
    reached_from: HashMap<Id, Id>,
    frontier: Vec<Id>,
}

impl<Id: Clone + Eq + Hash> LoopSearch<Id> {
    /// A search for a loop through `start`.
    pub fn new(start: Id) -> Self {
        Self { frontier: vec![start.clone()], start, reached_from: HashMap::new() }
    }

    /// The extensions whose outgoing edges the search needs next; empty if there is no loop.
    pub fn frontier(&self) -> &[Id] {
        &self.frontier
    }

    /// Follows the edges `(from, to)` that leave the frontier and skips edges of extensions that are not reached. Returns the
    /// loop that they close: first = last = start, in the direction of the edges.
    ///
    /// # Errors
    /// [`TooManyReached`], in which case the caller refuses the edge as well.
    pub fn follow(&mut self, edges: impl IntoIterator<Item = (Id, Id)>) -> Result<Option<Vec<Id>>, TooManyReached> {
        self.frontier.clear();
        for (from, to) in edges {
            if from != self.start && !self.reached_from.contains_key(&from) {
                continue;
            }
            if to == self.start {
                return Ok(Some(self.path_through(from)));
            }
            if !self.reached_from.contains_key(&to) {
                self.reached_from.insert(to.clone(), from);
                self.frontier.push(to);
            }
            if self.reached_from.len() > MAX_VISITED {
                return Err(TooManyReached);
            }
        }
        Ok(None)
    }

    /// The loop whose last edge leaves `last`.
    fn path_through(&self, last: Id) -> Vec<Id> {
        let mut path = vec![self.start.clone()];
        let mut current = &last;
        while *current != self.start {
            path.push(current.clone());
            match self.reached_from.get(current) {
                Some(before) => current = before,
                None => break,
            }
        }
        path.push(self.start.clone());
        path.reverse();
        path
    }
}

/// A shortest loop through `start`, with first = last = start; `None` if there is none. `edges` returns the targets of an
/// extension's outgoing edges.
///
/// # Errors
/// [`TooManyReached`].
pub fn find_loop<Id, F, I>(start: Id, mut edges: F) -> Result<Option<Vec<Id>>, TooManyReached>
where
    Id: Clone + Eq + Hash,
    F: FnMut(&Id) -> I,
    I: IntoIterator<Item = Id>,
{
    let mut search = LoopSearch::new(start);
    while !search.frontier().is_empty() {
        let leaving: Vec<_> =
            search.frontier().iter().flat_map(|from| edges(from).into_iter().map(|to| (from.clone(), to))).collect();
        if let Some(found) = search.follow(leaving)? {
            return Ok(Some(found));
        }
    }
    Ok(None)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn search(edges: &[(u32, u32)], start: u32) -> Option<Vec<u32>> {
        find_loop(start, |from| edges.iter().filter(|edge| edge.0 == *from).map(|edge| edge.1).collect::<Vec<_>>())
            .unwrap()
    }

    #[test]
    fn the_path_of_a_loop_is_shown() {
        assert_eq!(search(&[(1, 2), (2, 3), (3, 1)], 1), Some(vec![1, 2, 3, 1]));
        assert_eq!(search(&[(1, 1)], 1), Some(vec![1, 1]));
        assert_eq!(search(&[(1, 2), (1, 3), (2, 4), (3, 4)], 1), None);
        assert_eq!(search(&[(1, 2), (2, 3), (3, 2)], 1), None);
    }

    #[test]
    fn the_search_is_bounded() {
        assert_eq!(find_loop(0_u64, |from| [from * 2 + 1, from * 2 + 2]), Err(TooManyReached));
    }

    proptest! {
        #[test]
        fn loops_agree_with_the_transitive_closure(edges in prop::collection::vec((0_u32..8, 0_u32..8), 0..16), start in 0_u32..8) {
            let mut reachable = [[false; 8]; 8];
            for &(from, to) in &edges {
                reachable[from as usize][to as usize] = true;
            }
            for through in 0..8 {
                for from in 0..8 {
                    for to in 0..8 {
                        reachable[from][to] |= reachable[from][through] && reachable[through][to];
                    }
                }
            }
            let found = search(&edges, start);
            prop_assert_eq!(found.is_some(), reachable[start as usize][start as usize]);
            if let Some(path) = found {
                prop_assert_eq!((path[0], path[path.len() - 1]), (start, start));
                prop_assert!(path.windows(2).all(|step| edges.contains(&(step[0], step[1]))));
                prop_assert!(path[1..].iter().collect::<std::collections::HashSet<_>>().len() == path.len() - 1);
            }
        }
    }
}
