// How far the registrar has come between being made and being halted.

/// The registrar's life, which goes one way.
enum RegistrarLife: Sendable, Equatable {
  /// Nothing has been opened yet.
  case made
  /// The ledgers that exist are being opened.
  case opening
  /// The channels that could be opened in time work; what took longer joins them later.
  case serving
  /// No chain starts any more. Final.
  case halted

  /// - Throws: ``RegistrarError`` unless nothing was opened before.
  mutating func open() throws(RegistrarError) {
    guard self == .made else {
      throw RegistrarError("The channels can be opened only once, and not after they were halted")
    }
    self = .opening
  }

  /// The channels have started; no effect if the registrar was halted meanwhile.
  mutating func serve() {
    if self == .opening { self = .serving }
  }

  mutating func halt() { self = .halted }
}
