#pragma once

#include <lmm/options.hpp>

#include <chrono>
#include <stdexcept>
#include <string>
#include <string_view>

namespace command {

/// Standard output could not be written.
class OutputError : public std::runtime_error {
 public:
  explicit OutputError(int number);
  bool reader_gone() const noexcept;  ///< the other end of the pipe was closed

 private:
  int number_;
};

/// Writes to standard output at once, so that a reader sees each piece as it is made. Throws OutputError.
void put(std::string_view text);

/// Line on standard error, "lmm: <kind>: <text>"; line breaks in the text become spaces.
void complain(std::string_view kind, std::string_view text);

/// Makes sure that files opened later never get the number of a standard stream that was closed by the caller, and
/// that a closed pipe is an error of write() rather than the end of the process.
void prepare_streams();

/// While one lives, a first Ctrl-C is only noted; a second one ends the process as usual.
class Interrupt {
 public:
  Interrupt();
  ~Interrupt();
  Interrupt(const Interrupt&) = delete;
  Interrupt& operator=(const Interrupt&) = delete;

  static bool requested() noexcept;
};

/// Progress on standard error where that is a terminal; in any case the way in which Ctrl-C cancels a long call.
class ProgressBar {
 public:
  ProgressBar();
  ~ProgressBar() { clear(); }
  ProgressBar(const ProgressBar&) = delete;
  ProgressBar& operator=(const ProgressBar&) = delete;

  /// For LoadOptions and GenerateOptions; valid while this lives.
  lmm::OnProgress callback();

  /// Takes the bar off the screen.
  void clear();

 private:
  void draw(const lmm::Progress& progress);

  bool terminal_;
  bool visible_ = false;
  std::string stage_;
  std::chrono::steady_clock::time_point stage_start_;
  std::chrono::steady_clock::time_point last_drawn_;
};

}  // namespace command
