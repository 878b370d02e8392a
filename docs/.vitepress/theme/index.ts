import type { Theme } from "vitepress";
import theme from "vitepress/theme-without-fonts";
import { h } from "vue";
import { picture } from "./picture.ts";
import "./style.css";

export default {
  extends: theme,
  Layout: () =>
    h(theme.Layout, null, { "home-hero-image": () => h("div", { class: "hero-frame", innerHTML: picture }) }),
} satisfies Theme;
