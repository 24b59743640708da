//! One figure of a metrics page: the sum of the samples that a selector chooses.

/// `name` or `name{label="value"}`: samples of that name which have those labels, among others.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Selector {
    name: String,
    labels: Vec<String>,
}

impl Selector {
    pub(crate) fn parse(text: &str) -> Self {
        let (name, rest) = text.split_once('{').unwrap_or((text, ""));
        let labels = rest.trim().trim_end_matches('}').split(',').map(|label| label.trim().to_owned());
        Self { name: name.trim().to_owned(), labels: labels.filter(|label| !label.is_empty()).collect() }
    }

    /// The sum over the page; none if no sample is chosen.
    pub(crate) fn sum(&self, page: &str) -> Option<u64> {
        self.sum_scaled(page, 1.0)
    }

    /// The sum over the page in a smaller unit: seconds in nanoseconds, for example.
    pub(crate) fn sum_scaled(&self, page: &str, scale: f64) -> Option<u64> {
        let mut sum = None;
        for line in page.lines() {
            let Some(rest) = line.strip_prefix(self.name.as_str()) else { continue };
            let (labels, value) = match rest.strip_prefix('{') {
                Some(rest) => rest.rsplit_once('}').unwrap_or(("", "")),
                None if rest.starts_with(' ') => ("", rest),
                None => continue,
            };
            if !self.labels.iter().all(|label| has(labels, label)) {
                continue;
            }
            let value: Option<f64> = value.split_whitespace().next().and_then(|value| value.parse().ok());
            if let Some(value) = value.filter(|value| *value >= 0.0) {
                sum = Some(sum.unwrap_or(0) + (value * scale) as u64);
            }
        }
        sum
    }
}

/// A label pair stands in a list of them, at its beginning or after a comma.
fn has(labels: &str, pair: &str) -> bool {
    labels.match_indices(pair).any(|(at, _)| {
        let ends = labels[at + pair.len()..].chars().next().is_none_or(|next| next == ',');
        ends && (at == 0 || labels[..at].ends_with(','))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const PAGE: &str = "# HELP hits_total x\nhits_total{op=\"get\",result=\"hit\"} 7\n\
        hits_total{backend=\"b\",op=\"get\",result=\"hit\"} 3 1700000000\nhits_total{op=\"set\",result=\"hit\"} 100\n\
        hits_total_other 5\nplain 1e3\nbroken x\n";

    #[test]
    fn samples_are_summed_over_the_labels_that_are_left_open() {
        for (selector, sum) in [
            ("hits_total{op=\"get\",result=\"hit\"}", Some(10)),
            ("hits_total", Some(110)),
            ("hits_total{op=\"del\"}", None),
            ("plain", Some(1_000)),
            ("broken", None),
            ("absent", None),
        ] {
            assert_eq!(Selector::parse(selector).sum(PAGE), sum, "{selector}");
        }
        assert_eq!(Selector::parse("cpu").sum_scaled("cpu 0.25\n", 1e9), Some(250_000_000));
    }
}
