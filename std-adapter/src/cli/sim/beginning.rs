//! Who and what there is when the simulator starts, and what goes wrong on purpose.

use std::path::PathBuf;

use callflow_graph::simulator::seed::Seed;
use callflow_graph::simulator::{Fault, Faults};

use crate::cli::Failure;

#[derive(clap::Args, Debug)]
pub(super) struct Beginning {
    /// A file with the apps and people that there are, instead of those of the flags; --seed-example prints one
    #[arg(long, value_name = "FILE")]
    seed: Option<PathBuf>,
    /// Print a file for --seed, with what each line does
    #[arg(long)]
    pub(super) seed_example: bool,
    /// What goes wrong on purpose, and how often of a hundred: notification-lost=5; may be given several times. A name that
    /// there is not shows all
    #[arg(long = "fault", value_name = "NAME=HUNDREDTHS", value_parser = fault)]
    faults: Vec<(Fault, u8)>,
    /// Where the chances of the faults begin: the same number gives the same history
    #[arg(long, value_name = "NUMBER", default_value_t = 1)]
    fault_seed: u64,
}

fn fault(text: &str) -> Result<(Fault, u8), String> {
    let (name, chance) = text.split_once('=').unwrap_or((text, "100"));
    let fault: Fault = name.parse().map_err(|error: callflow_graph::simulator::NoFault| error.to_string())?;
    let chance = chance.parse().ok().filter(|chance| *chance <= 100);
    Ok((fault, chance.ok_or("a number from 0 to 100 is expected behind the =")?))
}

impl Beginning {
    pub(super) fn seed(&self) -> Result<Option<Seed>, Failure> {
        let Some(file) = &self.seed else { return Ok(None) };
        let told = |error: &dyn std::fmt::Display| Failure::Because(format!("{}: {error}", file.display()));
        let text = std::fs::read_to_string(file).map_err(|error| told(&error))?;
        Seed::read(&text).map(Some).map_err(|error| told(&error))
    }

    pub(super) fn faults(&self) -> Faults {
        let seeded = Faults::seeded(self.fault_seed);
        self.faults.iter().fold(seeded, |faults, (fault, chance)| faults.with(*fault, *chance))
    }

    /// The faults in words, so that they can be given again; none where there are none.
    pub(super) fn in_words(&self) -> Option<String> {
        let named: Vec<_> =
            self.faults().named().map(|(fault, chance)| format!("{}={chance}", fault.name())).collect();
        (!named.is_empty()).then(|| format!("{}, from --fault-seed {} on", named.join(" "), self.fault_seed))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fault_has_a_name_and_a_chance() {
        assert_eq!(fault("cut-after=5"), Ok((Fault::CutAfter, 5)));
        assert_eq!(fault("cut-after"), Ok((Fault::CutAfter, 100)));
        for (text, says) in
            [("rain=5", "is no fault"), ("cut-after=101", "0 to 100"), ("cut-after=x", "0 to 100")]
        {
            assert!(fault(text).unwrap_err().contains(says), "{text}");
        }
    }
}
