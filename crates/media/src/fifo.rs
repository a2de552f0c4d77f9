//! A short queue in place.

#[derive(Clone, Debug)]
pub(crate) struct Fifo<T, const N: usize> {
    items: [Option<T>; N],
    first: usize,
    len: usize,
}

impl<T: Copy, const N: usize> Fifo<T, N> {
    pub(crate) const fn new() -> Self {
        Self { items: [None; N], first: 0, len: 0 }
    }

    /// False where it is full.
    pub(crate) fn push(&mut self, item: T) -> bool {
        let free = self.len < N;
        if free {
            self.items[(self.first + self.len) % N] = Some(item);
            self.len += 1;
        }
        free
    }

    pub(crate) fn pop(&mut self) -> Option<T> {
        let item = self.items[self.first].take()?;
        self.first = (self.first + 1) % N;
        self.len -= 1;
        Some(item)
    }

    pub(crate) fn front(&self) -> Option<&T> {
        self.items[self.first].as_ref()
    }

    pub(crate) fn back_mut(&mut self) -> Option<&mut T> {
        self.items[(self.first + self.len + N - 1) % N].as_mut()
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.len == 0
    }

    pub(crate) fn clear(&mut self) {
        *self = Self::new();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn first_in_first_out_over_its_end_and_no_more_than_it_holds() {
        let mut fifo = Fifo::<u8, 3>::new();
        assert!(fifo.back_mut().is_none());
        for round in 0..5 {
            assert!(fifo.push(round) && fifo.push(10) && fifo.push(20));
            assert!(!fifo.push(30));
            assert_eq!(fifo.back_mut(), Some(&mut 20));
            assert_eq!((fifo.pop(), fifo.pop(), fifo.front()), (Some(round), Some(10), Some(&20)));
            assert_eq!((fifo.pop(), fifo.pop()), (Some(20), None));
        }
    }
}
