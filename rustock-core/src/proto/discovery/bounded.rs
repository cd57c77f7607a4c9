//! A map that forgets.

use std::collections::BTreeMap;

/// Holds so many entries at most: the one written longest ago gives way.
#[derive(Debug, Clone)]
pub(super) struct BoundedMap<K, V> {
    limit: usize,
    sequence: u64,
    entries: BTreeMap<K, (u64, V)>,
    order: BTreeMap<u64, K>,
}

impl<K: Ord + Clone, V> BoundedMap<K, V> {
    pub fn new(limit: usize) -> Self {
        Self { limit, sequence: 0, entries: BTreeMap::new(), order: BTreeMap::new() }
    }

    pub fn len(&self) -> usize {
        self.entries.len()
    }

    pub fn get(&self, key: &K) -> Option<&V> {
        self.entries.get(key).map(|(_, value)| value)
    }

    /// Writes an entry, which makes it the youngest.
    pub fn insert(&mut self, key: K, value: V) {
        self.remove(&key);
        if self.entries.len() >= self.limit {
            self.order.pop_first().and_then(|(_, oldest)| self.entries.remove(&oldest));
        }
        self.sequence += 1;
        self.order.insert(self.sequence, key.clone());
        self.entries.insert(key, (self.sequence, value));
    }

    pub fn remove(&mut self, key: &K) -> Option<V> {
        let (sequence, value) = self.entries.remove(key)?;
        self.order.remove(&sequence);
        Some(value)
    }

    /// Takes out the entry written longest ago.
    pub fn pop_oldest(&mut self) -> Option<(K, V)> {
        let (_, key) = self.order.pop_first()?;
        let (_, value) = self.entries.remove(&key)?;
        Some((key, value))
    }

    /// The keys, the one written longest ago first.
    pub fn keys(&self) -> impl Iterator<Item = &K> {
        self.order.values()
    }

    pub fn clear(&mut self) {
        self.entries.clear();
        self.order.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn behaves_like_a_list_of_the_latest(
            steps in proptest::collection::vec((0u8..3, 0u8..12, any::<u16>()), 0..200),
        ) {
            let mut map = BoundedMap::new(5);
            let mut list: Vec<(u8, u16)> = Vec::new();
            for (step, key, value) in steps {
                let found = list.iter().position(|(other, _)| *other == key);
                match step {
                    0 => {
                        found.map(|index| list.remove(index));
                        list.push((key, value));
                        if list.len() > 5 {
                            list.remove(0);
                        }
                        map.insert(key, value);
                    }
                    1 => prop_assert_eq!(map.remove(&key), found.map(|index| list.remove(index).1)),
                    _ => {
                        let oldest = (!list.is_empty()).then(|| list.remove(0));
                        prop_assert_eq!(map.pop_oldest(), oldest);
                    }
                }
                prop_assert_eq!(map.len(), list.len());
                prop_assert!(map.keys().eq(list.iter().map(|(key, _)| key)));
                for (key, value) in &list {
                    prop_assert_eq!(map.get(key), Some(value));
                }
            }
        }
    }
}
