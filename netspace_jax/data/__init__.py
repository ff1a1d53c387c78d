"""Image sets: by name, from files, prepared from official archives; splits and augmentation."""
