//! Which of the numbered messages one connection has received.

/// How far ahead of a gap a message is still told from a repeated one.
pub(crate) const REACH: u64 = 128;

/// Numbers received on one connection: all below `next`, and those above it that `ahead` marks.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Window {
    next: u64,
    /// Bit `i` stands for `next + 1 + i`.
    ahead: u128,
}

/// What a message number says.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Seen {
    /// First of its number.
    New,
    /// Received before.
    Duplicate,
    /// Nobody sent that number yet.
    Impossible,
}

impl Window {
    /// Notes that `number` arrived.
    pub(crate) fn note(&mut self, number: u64) -> Seen {
        if number == self.next {
            self.next += 1;
            while self.ahead & 1 == 1 {
                self.ahead >>= 1;
                self.next += 1;
            }
            // Bit 0 now stands for `next` itself, which has not arrived.
            self.ahead >>= 1;
            return Seen::New;
        }
        let Some(distance) = number.checked_sub(self.next + 1) else {
            return Seen::Duplicate;
        };
        if distance >= REACH {
            return Seen::Impossible;
        }
        let bit = 1_u128 << distance;
        if self.ahead & bit != 0 {
            return Seen::Duplicate;
        }
        self.ahead |= bit;
        Seen::New
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn any_order_counts_each_number_once() {
        let orders = [
            [0, 1, 2, 3, 4, 5],
            [5, 4, 3, 2, 1, 0],
            [1, 0, 3, 2, 5, 4],
            [2, 0, 1, 5, 3, 4],
        ];
        for order in orders {
            let mut window = Window::default();
            for number in order {
                assert_eq!(window.note(number), Seen::New, "{order:?} {number}");
                assert_eq!(window.note(number), Seen::Duplicate, "{order:?} {number}");
            }
            assert_eq!((window.next, window.ahead), (6, 0));
        }
    }

    #[test]
    fn numbers_far_ahead_are_impossible() {
        let mut window = Window::default();
        assert_eq!(window.note(REACH + 1), Seen::Impossible);
        assert_eq!(window.note(REACH), Seen::New);
    }
}
