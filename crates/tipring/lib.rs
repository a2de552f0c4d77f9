//! The program `tipring`: command line, configuration file, demo, tools.
