#include "lib/chat_template/evaluator.hpp"

#include <array>
#include <ctime>

namespace lmm::chat_template {
namespace {

constexpr std::array<std::string_view, 7> kDays = {"Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"};
constexpr std::array<std::string_view, 12> kMonths = {"January", "February", "March",     "April",   "May",      "June",
                                                      "July",    "August",   "September", "October", "November", "December"};

std::string padded(int value, int width, char fill, char flag) {
  if (flag == '-') return fmt::format("{}", value);
  if (flag == '_') fill = ' ';
  if (flag == '0') fill = '0';
  return fill == '0' ? fmt::format("{:0{}}", value, width) : fmt::format("{:{}}", value, width);
}

int week_from(const std::tm& time, int first_day) { return (time.tm_yday + 7 - (time.tm_wday - first_day + 7) % 7) / 7; }

int iso_week(const std::tm& time, int& year) {
  const auto days_in = [](int y) { return (y % 4 == 0 && y % 100 != 0) || y % 400 == 0 ? 366 : 365; };
  const int weekday = (time.tm_wday + 6) % 7;
  year = time.tm_year + 1900;
  int week = (time.tm_yday - weekday + 10) / 7;
  if (week < 1) {
    --year;
    week = (time.tm_yday + days_in(year) - weekday + 10) / 7;
  } else if (week == 53 && time.tm_yday - weekday + 3 >= days_in(year)) {
    ++year;
    week = 1;
  }
  return week;
}

std::string directive(char kind, char flag, const std::tm& time) {
  const int year = time.tm_year + 1900;
  const int twelve = time.tm_hour % 12 == 0 ? 12 : time.tm_hour % 12;
  int iso_year = 0;
  const auto day = kDays[static_cast<std::size_t>(time.tm_wday)];
  const auto month = kMonths[static_cast<std::size_t>(time.tm_mon)];
  switch (kind) {
    case 'A': return std::string(day);
    case 'a': return std::string(day.substr(0, 3));
    case 'B': return std::string(month);
    case 'b':
    case 'h': return std::string(month.substr(0, 3));
    case 'C': return padded(year / 100, 2, '0', flag);
    case 'c': return strftime("%a %b %e %H:%M:%S %Y", time);
    case 'd': return padded(time.tm_mday, 2, '0', flag);
    case 'D':
    case 'x': return strftime("%m/%d/%y", time);
    case 'e': return padded(time.tm_mday, 2, ' ', flag);
    case 'F': return strftime("%Y-%m-%d", time);
    case 'f': return "000000";
    case 'G': iso_week(time, iso_year); return padded(iso_year, 4, '0', flag);
    case 'g': iso_week(time, iso_year); return padded(iso_year % 100, 2, '0', flag);
    case 'H': return padded(time.tm_hour, 2, '0', flag);
    case 'I': return padded(twelve, 2, '0', flag);
    case 'j': return padded(time.tm_yday + 1, 3, '0', flag);
    case 'k': return padded(time.tm_hour, 2, ' ', flag);
    case 'l': return padded(twelve, 2, ' ', flag);
    case 'M': return padded(time.tm_min, 2, '0', flag);
    case 'm': return padded(time.tm_mon + 1, 2, '0', flag);
    case 'n': return "\n";
    case 'P': return time.tm_hour < 12 ? "am" : "pm";
    case 'p': return time.tm_hour < 12 ? "AM" : "PM";
    case 'R': return strftime("%H:%M", time);
    case 'r': return strftime("%I:%M:%S %p", time);
    case 'S': return padded(time.tm_sec, 2, '0', flag);
    case 'T':
    case 'X': return strftime("%H:%M:%S", time);
    case 't': return "\t";
    case 'U': return padded(week_from(time, 0), 2, '0', flag);
    case 'u': return padded(time.tm_wday == 0 ? 7 : time.tm_wday, 1, '0', flag);
    case 'V': return padded(iso_week(time, iso_year), 2, '0', flag);
    case 'W': return padded(week_from(time, 1), 2, '0', flag);
    case 'w': return padded(time.tm_wday, 1, '0', flag);
    case 'Y': return padded(year, 1, '0', flag);
    case 'y': return padded(year % 100, 2, '0', flag);
    case 'Z':
    case 'z': return "";  // as a datetime without time zone
    case '%': return "%";
    default: raise("strftime_now: the directive '%{}' is not supported", kind);
  }
}

}  // namespace

/// Names are English whatever the host's locale, as Python's are where the host has set none.
std::string strftime(std::string_view format, const std::tm& time) {
  std::string text;
  for (std::size_t i = 0; i < format.size(); ++i) {
    if (format[i] != '%') {
      text += format[i];
      continue;
    }
    char flag = 0;
    if (i + 2 < format.size() && (format[i + 1] == '-' || format[i + 1] == '_' || format[i + 1] == '0')) flag = format[++i];
    if (++i == format.size()) raise("strftime_now: the format ends within a directive");
    text += directive(format[i], flag, time);
  }
  return text;
}

std::tm local_clock() {
  const std::time_t now = std::time(nullptr);
  std::tm local{};
  localtime_r(&now, &local);
  return local;
}

}  // namespace lmm::chat_template
