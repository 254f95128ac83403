// A game that asks a model about its own picture while it draws 60 frames a second.
//
// A free reply is made on another core, and the loop only polls it. A stepped reply runs in the time that the loop grants
// it at the end of each frame, and at no other time: for a machine that has no core to spare.

#include "scene.hpp"

#include <lmm/lmm.hpp>

#include <CLI/CLI.hpp>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <optional>
#include <string>
#include <thread>
#include <vector>

namespace {

using Clock = std::chrono::steady_clock;
constexpr std::chrono::nanoseconds kFrame{1'000'000'000 / 60};

struct Options {
  std::string model;
  std::string picture;
  std::string question = "Name the object.";
  int frames = 0;         // 0: until the window is closed
  int every = 90;         // frames from one question to the next
  double budget_ms = 0;   // granted a frame; 0: free
  int threads = 1;
  std::string csv;
};

// What one frame took, in milliseconds.
struct FrameTimes {
  double interval = 0;  // from the last picture shown to this one
  double work = 0;      // of these, all but the wait for this one's turn
  double lmm = 0;       // inside calls of lmm
  double granted = 0;  // to step()
  double stepped = 0;  // inside step()
  bool answering = false;
};

double ms(Clock::duration duration) { return std::chrono::duration<double, std::milli>(duration).count(); }

class Game {
 public:
  explicit Game(const Options& options)
      : options_(options),
        scene_(640, 480, lmm::Image::open(options.picture)),
        session_(lmm::Model::load(options.model, {.threads = options.threads})) {
    answer_.reserve(4096);  // poll() appends: no allocation in the loop
    times_.reserve(1 << 16);
  }

  void run() {
    Clock::time_point next = Clock::now();
    Clock::time_point shown = next;
    for (int frame = 0; !quit_ && (options_.frames == 0 || frame < options_.frames); ++frame) {
      FrameTimes times;
      const auto start = Clock::now();
      handle_events();
      scene_.draw(frame / 60.0);
      const auto before = Clock::now();
      if (!pending_ && frame % options_.every == options_.every / 2) ask();
      times.answering = pending_.has_value();
      if (pending_) advance(times);
      const auto after = Clock::now();
      times.lmm = ms(after - before);
      next = std::max(next + kFrame, Clock::now());
      std::this_thread::sleep_until(next);
      const auto turn = Clock::now();
      scene_.present();
      const auto now = Clock::now();
      times.work = ms(after - start) + ms(now - turn);
      times.interval = ms(now - std::exchange(shown, now));
      if (frame > 0) times_.push_back(times);
    }
  }

  const std::vector<FrameTimes>& times() const { return times_; }

 private:
  void ask() {
    answer_.clear();
    lmm::GenerateOptions options{.max_tokens = 32, .paused = options_.budget_ms > 0};
    session_.reset();
    pending_ = session_.start({lmm::Image::from_pixels(scene_.read_frame_buffer()), options_.question}, options);
  }

  /// Gives the reply its share of the frame and takes what there is of it.
  void advance(FrameTimes& times) {
    if (options_.budget_ms > 0 && !paused_) {
      const auto before = Clock::now();
      pending_->step(std::chrono::microseconds(static_cast<long>(options_.budget_ms * 1000)));
      times.stepped = ms(Clock::now() - before);
      times.granted = options_.budget_ms;
    }
    const std::size_t before = answer_.size();
    const lmm::Pending::State state = pending_->poll(answer_);
    if (answer_.size() != before) scene_.title(answer_.c_str());
    if (state == lmm::Pending::State::running) return;
    try {
      std::printf("%s\n", pending_->get().text.c_str());
    } catch (const lmm::Error& error) {
      std::printf("(%s)\n", error.what());
    }
    pending_.reset();
  }

  void handle_events() {
    for (SDL_Event event; SDL_PollEvent(&event) != 0;) {
      if (event.type == SDL_QUIT) quit_ = true;
      if (event.type != SDL_KEYDOWN) continue;
      switch (event.key.keysym.sym) {
        case SDLK_ESCAPE: quit_ = true; break;
        case SDLK_c: if (pending_) pending_->cancel(); break;
        case SDLK_p:
          paused_ = !paused_;
          if (pending_ && options_.budget_ms == 0) paused_ ? pending_->pause() : pending_->resume();
          break;
        default: break;
      }
    }
  }

  const Options& options_;
  game::Scene scene_;
  lmm::Session session_;
  std::optional<lmm::Pending> pending_;
  std::string answer_;
  std::vector<FrameTimes> times_;
  bool paused_ = false;
  bool quit_ = false;
};

double quantile(std::vector<double> values, double q) {
  if (values.empty()) return 0;
  const auto at = values.begin() + static_cast<std::ptrdiff_t>(q * static_cast<double>(values.size() - 1));
  std::nth_element(values.begin(), at, values.end());
  return *at;
}

void report(const Options& options, const std::vector<FrameTimes>& times) {
  std::vector<double> work, interval, inside, overrun;
  for (const FrameTimes& t : times) {
    if (!t.answering) continue;
    work.push_back(t.work);
    interval.push_back(t.interval);
    inside.push_back(t.lmm);
    if (t.granted > 0) overrun.push_back(t.stepped - t.granted);
  }
  std::printf("%zu frames, %zu of them while an answer was made:\n", times.size(), work.size());
  std::printf("  work in a frame p50 %.2f ms, p99 %.2f, worst %.2f; of this in lmm p99 %.2f\n", quantile(work, 0.5),
              quantile(work, 0.99), quantile(work, 1), quantile(inside, 0.99));
  std::printf("  from frame to frame p50 %.2f ms, p99 %.2f, worst %.2f\n", quantile(interval, 0.5), quantile(interval, 0.99),
              quantile(interval, 1));
  if (!overrun.empty()) {
    std::printf("  over the %.1f ms granted p99 %.2f ms, worst %.2f\n", options.budget_ms, quantile(overrun, 0.99),
                quantile(overrun, 1));
  }
  if (options.csv.empty()) return;
  std::FILE* file = std::fopen(options.csv.c_str(), "w");
  if (file == nullptr) throw std::runtime_error("cannot write " + options.csv);
  std::fputs("interval_ms,work_ms,lmm_ms,granted_ms,stepped_ms,answering\n", file);
  for (const FrameTimes& t : times) {
    std::fprintf(file, "%.3f,%.3f,%.3f,%.3f,%.3f,%d\n", t.interval, t.work, t.lmm, t.granted, t.stepped, t.answering ? 1 : 0);
  }
  if (std::fclose(file) != 0) throw std::runtime_error("cannot write " + options.csv);
}

}  // namespace

int main(int argc, char** argv) {
  Options options;
  CLI::App app("A game loop that asks a model about its own picture.\n"
               "Keys: p pauses and resumes the answer, c cancels it, Escape ends. SDL_VIDEODRIVER=dummy needs no screen.");
  app.add_option("model", options.model, "checkpoint folder")->required();
  app.add_option("picture", options.picture, "the thing that floats in the scene")->required();
  app.add_option("--question", options.question)->capture_default_str();
  app.add_option("--frames", options.frames, "end after so many; 0: when the window is closed")->check(CLI::NonNegativeNumber);
  app.add_option("--every", options.every, "frames from one question to the next")->check(CLI::PositiveNumber)->capture_default_str();
  app.add_option("--budget-ms", options.budget_ms, "time granted to lmm a frame; 0: it runs beside the game")->check(CLI::Range(0.0, 1000.0));
  app.add_option("--threads", options.threads, "of lmm")->check(CLI::Range(1, 64))->capture_default_str();
  app.add_option("--csv", options.csv, "file for the times of each frame");
  CLI11_PARSE(app, argc, argv);
  try {
    Game game(options);
    game.run();
    report(options, game.times());
  } catch (const std::exception& error) {
    std::fprintf(stderr, "error: %s\n", error.what());
    return 1;
  }
}
