//! How kombu lays its keys out: its transport options that change names of keys.
//!
//! It is separate because an exporter that knows only the defaults counts wrongly and says nothing.

use crate::options::OptionReader;

/// Most steps of priority; kombu knows ten priorities.
const STEPS_MAX: usize = 10;

/// The transport options `global_keyprefix`, `sep` and `priority_steps` of a Celery application.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Layout {
    /// What every key and channel begins with.
    pub prefix: String,
    /// What stands between a queue and its priority, and between the parts of a binding.
    pub separator: String,
    /// The steps above 0, which has the plain list.
    pub steps: Vec<String>,
}

impl Default for Layout {
    /// kombu's defaults: no prefix, the bytes 06 16, the steps 3, 6 and 9.
    fn default() -> Self {
        let steps = ["3", "6", "9"].map(str::to_owned).to_vec();
        Self { prefix: String::new(), separator: "\u{6}\u{16}".to_owned(), steps }
    }
}

impl Layout {
    /// Reads the options `key_prefix`, `separator` and `priority_steps`, with what is wrong with them.
    pub(crate) fn read(options: &mut OptionReader<'_>) -> (Self, Vec<String>) {
        let (mut layout, mut mistakes) =
            (Self { prefix: options.text("key_prefix"), ..Self::default() }, Vec::new());
        let separator = options.text("separator");
        if !separator.is_empty() {
            layout.separator = separator;
        }
        let steps = options.texts("priority_steps");
        if steps.is_empty() {
            return (layout, mistakes);
        }
        let is_step = |step: &&String| step.parse::<u8>().is_ok_and(|step| step.to_string().len() <= 3);
        if steps.len() > STEPS_MAX || !steps.iter().all(|step| is_step(&step)) {
            mistakes.push(format!(
                "priority_steps: is no list of at most {STEPS_MAX} numbers; write them as texts, as in [\"0\", \"5\", \"9\"]"
            ));
        }
        layout.steps = steps.into_iter().filter(|step| step != "0").collect();
        (layout, mistakes)
    }

    /// A key with the prefix.
    pub(crate) fn key(&self, name: &str) -> String {
        format!("{}{name}", self.prefix)
    }

    /// The lists of a queue: the plain one, then one for each step.
    pub(crate) fn lists(&self, queue: &str) -> impl Iterator<Item = String> {
        let plain = self.key(queue);
        let steps: Vec<String> =
            self.steps.iter().map(|step| format!("{plain}{}{step}", self.separator)).collect();
        std::iter::once(plain).chain(steps)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::options::{OptionValue, Options};

    fn read(steps: &[&str]) -> (Layout, Vec<String>) {
        let list = OptionValue::List(steps.iter().map(|step| (*step).to_owned()).collect());
        let text = |text: &str| OptionValue::Text(text.to_owned());
        let options: Options =
            [("key_prefix", text("shop:")), ("separator", text(":")), ("priority_steps", list)]
                .map(|(name, value)| (name.to_owned(), value))
                .into();
        Layout::read(&mut OptionReader::new(&options))
    }

    #[test]
    fn a_queue_has_a_list_for_each_step_and_the_plain_one_for_0() {
        let lists: Vec<String> = Layout::default().lists("q").collect();
        assert_eq!(lists, ["q", "q\u{6}\u{16}3", "q\u{6}\u{16}6", "q\u{6}\u{16}9"]);
        let lists: Vec<String> = read(&["0", "5"]).0.lists("q").collect();
        assert_eq!(lists, ["shop:q", "shop:q:5"]);
    }

    #[test]
    fn steps_that_are_no_numbers_are_a_mistake() {
        assert!(read(&["0", "1", "2", "3", "4", "5", "6", "7", "8", "9"]).1.is_empty());
        for steps in [&["high"][..], &["-1"], &["0"; 11]] {
            assert!(read(steps).1[0].contains("priority_steps"), "{steps:?}");
        }
    }
}
