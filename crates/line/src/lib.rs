//! Analog signalling: FXS ports, dialling, cadence, caller-ID timing, tone plans.
