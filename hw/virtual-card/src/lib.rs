//! Firmware and models joined behind a byte stream.
