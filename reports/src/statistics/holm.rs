//! Holm's correction: the level at which each of several questions may be answered so that any
//! false answer among them stays as rare as asked. Holm, Scandinavian Journal of Statistics 6 (1979).

/// The level of each p-value, in their order. The smallest is held to alpha/m, the next to
/// alpha/(m−1), and so on; from the first that fails, all the rest keep that one's level.
#[must_use]
pub fn holm(p_values: &[f64], alpha: f64) -> Vec<f64> {
    let mut order: Vec<usize> = (0..p_values.len()).collect();
    order.sort_by(|a, b| p_values[*a].total_cmp(&p_values[*b]));
    let mut levels = vec![alpha; p_values.len()];
    let mut stopped: Option<f64> = None;
    for (step, place) in order.into_iter().enumerate() {
        let level = stopped.unwrap_or(alpha / (p_values.len() - step) as f64);
        levels[place] = level;
        if p_values[place] > level {
            stopped = Some(level);
        }
    }
    levels
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_levels_loosen_until_the_first_failure() {
        let levels = holm(&[0.03, 0.001, 0.9, 0.004], 0.01);
        let third = 0.01 / 3.0;
        assert_eq!(levels, [third, 0.0025, third, third]);
        assert_eq!(holm(&[], 0.01), Vec::<f64>::new());
        assert_eq!(holm(&[0.5], 0.01), [0.01]);
    }
}
