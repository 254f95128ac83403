#pragma once

#include <locale.h>
#include <stdio.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <string>

/// Sets a locale for the process, made with localedef where the machine has it not; back to what it was at the end.
class HostLocale {
 public:
  HostLocale(const std::string& language, const std::string& charset) : before_(::setlocale(LC_ALL, nullptr)) {
    const std::string name = language + "." + charset;
    if (::setlocale(LC_ALL, name.c_str()) != nullptr) {
      set_ = true;
      return;
    }
    folder_ = std::filesystem::temp_directory_path() / ("lmm-locale-" + std::to_string(::getpid()));
    std::filesystem::create_directories(folder_);
    const std::string make =
        "localedef -i " + language + " -f " + charset + " '" + (folder_ / name).string() + "' 2>&1";
    FILE* tool = ::popen((make + " >/dev/null").c_str(), "r");
    if (tool != nullptr) ::pclose(tool);
    if (const char* path = std::getenv("LOCPATH")) locpath_ = path;
    ::setenv("LOCPATH", folder_.c_str(), 1);
    set_ = ::setlocale(LC_ALL, name.c_str()) != nullptr;
  }
  ~HostLocale() {
    ::setlocale(LC_ALL, before_.c_str());
    if (folder_.empty()) return;
    if (locpath_.empty())
      ::unsetenv("LOCPATH");
    else
      ::setenv("LOCPATH", locpath_.c_str(), 1);
    std::filesystem::remove_all(folder_);
  }
  HostLocale(const HostLocale&) = delete;
  HostLocale& operator=(const HostLocale&) = delete;
  bool set() const { return set_; }

 private:
  std::string before_;
  std::string locpath_;
  std::filesystem::path folder_;
  bool set_ = false;
};
