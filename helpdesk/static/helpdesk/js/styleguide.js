// The style guide shows boxes that only a script can set to "some of them".
for (const box of document.querySelectorAll('[data-mixed]')) box.indeterminate = true;
