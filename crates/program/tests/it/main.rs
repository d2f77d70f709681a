//! Programs, good and broken, loaded whole.

#[cfg(test)]
mod broken;
#[cfg(test)]
mod broken_tests;
#[cfg(test)]
mod default_program;
#[cfg(test)]
mod good;
#[cfg(test)]
mod hostile;
#[cfg(test)]
mod judging;
#[cfg(test)]
mod sample;
