#include "terminal.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <cstdio>
#include <cstring>

namespace command {
namespace {

std::atomic<bool> interrupted{false};
static_assert(std::atomic<bool>::is_always_lock_free, "used in a signal handler");

extern "C" void note_interrupt(int) { interrupted = true; }

struct sigaction previous_action;

}  // namespace

OutputError::OutputError(int number)
    : std::runtime_error(fmt::format("writing standard output failed: {}", std::strerror(number))), number_(number) {}

bool OutputError::reader_gone() const noexcept { return number_ == EPIPE; }

void put(std::string_view text) {
  while (!text.empty()) {
    const ssize_t written = ::write(STDOUT_FILENO, text.data(), text.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) throw OutputError(errno);
    text.remove_prefix(static_cast<std::size_t>(written));
  }
}

void complain(std::string_view kind, std::string_view text) {
  std::string line = fmt::format("lmm: {}: {}", kind, text);
  std::replace(line.begin(), line.end(), '\n', ' ');
  std::fprintf(stderr, "%s\n", line.c_str());
}

void prepare_streams() {
  for (const int stream : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO}) {
    // The lowest free number is the one that is missing. Output is opened for reading only: writing to it must fail.
    if (::fcntl(stream, F_GETFD) < 0) (void)::open("/dev/null", stream == STDOUT_FILENO ? O_RDONLY : O_RDWR);
  }
  ::signal(SIGPIPE, SIG_IGN);
  ::signal(SIGXFSZ, SIG_IGN);  // likewise a file that may not grow any more
}

Interrupt::Interrupt() {
  interrupted = false;
  struct sigaction action {};
  action.sa_handler = note_interrupt;
  action.sa_flags = static_cast<int>(SA_RESETHAND | SA_RESTART);
  ::sigaction(SIGINT, &action, &previous_action);
}

Interrupt::~Interrupt() { ::sigaction(SIGINT, &previous_action, nullptr); }

bool Interrupt::requested() noexcept { return interrupted; }

ProgressBar::ProgressBar() : terminal_(::isatty(STDERR_FILENO) == 1) {}

lmm::OnProgress ProgressBar::callback() {
  return [this](const lmm::Progress& progress) {
    if (terminal_) draw(progress);
    return !Interrupt::requested();
  };
}

void ProgressBar::draw(const lmm::Progress& progress) {
  using std::chrono::milliseconds;
  const auto now = std::chrono::steady_clock::now();
  if (progress.stage != stage_) {
    clear();
    stage_ = progress.stage;
    stage_start_ = now;
  }
  // What is over in a blink needs no bar, and a bar needs no more than ten pictures a second.
  if (now - stage_start_ < milliseconds(300) || now - last_drawn_ < milliseconds(100) || progress.total <= 0) return;
  last_drawn_ = now;
  constexpr int kWidth = 30;
  const double part = std::clamp(static_cast<double>(progress.done) / static_cast<double>(progress.total), 0.0, 1.0);
  const int filled = static_cast<int>(part * kWidth);
  const std::string bar =
      fmt::format("\r{:<10} [{:#<{}}{: <{}}] {:3.0f}%", stage_, "", filled, "", kWidth - filled, part * 100);
  std::fputs(bar.c_str(), stderr);
  std::fflush(stderr);
  visible_ = true;
}

void ProgressBar::clear() {
  if (!visible_) return;
  std::fputs("\r\033[K", stderr);
  std::fflush(stderr);
  visible_ = false;
}

}  // namespace command
