#pragma once

#include <lmm/options.hpp>

#include <optional>
#include <string_view>

#include "terminal.hpp"

namespace command {

/// Prints a reply piece by piece, without the white space before its first word. Ctrl-C and a closed output stop it.
class StreamedText {
 public:
  explicit StreamedText(ProgressBar& bar) : bar_(bar) {}

  /// For Session::ask; valid while this lives.
  lmm::OnPiece callback() {
    return [this](std::string_view piece) { return print(piece); };
  }

  /// Ends the line. Throws the OutputError that stopped the reply.
  void finish() {
    if (error_) throw *error_;
    put("\n");
  }

 private:
  bool print(std::string_view piece) {
    bar_.clear();
    if (!begun_) {
      const std::size_t first = piece.find_first_not_of(" \t\r\n");
      piece.remove_prefix(first == std::string_view::npos ? piece.size() : first);
      begun_ = !piece.empty();
    }
    try {
      put(piece);
    } catch (const OutputError& error) {
      error_ = error;  // thrown by finish(), not through the library
      return false;
    }
    return !Interrupt::requested();
  }

  ProgressBar& bar_;
  bool begun_ = false;
  std::optional<OutputError> error_;
};

}  // namespace command
